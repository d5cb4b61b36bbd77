// SPDX-License-Identifier: MIT
#include "replay/verb.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "replay/replay.hpp"

namespace fw::replay {
namespace {

constexpr std::string_view kEraseLine = "\r\x1b[K";

int complain(const Error& error, std::ostream& err) {
  err << "floodwall: " << printable_lines(error.message) << "\n";
  return static_cast<int>(error.kind);
}

void show_progress(std::ostream& err, std::uint64_t packets, std::optional<double> share) {
  err << kEraseLine << grouped(packets) << " packets";
  if (share) err << fmt::format(", {:.0f} %", 100 * *share);
  err << std::flush;
}

}  // namespace

int run(std::span<const std::string> arguments, bool as_json, const cli::Style& style,
        std::ostream& out, std::ostream& err, bool err_is_terminal) {
  const Result<Options> options = parse_options(arguments);
  if (!options) return complain(options.error(), err);
  if (!options->help.empty()) {
    out << options->help << std::flush;
    return 0;
  }
  Progress progress;
  if (err_is_terminal)
    progress = [&](std::uint64_t packets, std::optional<double> share) {
      show_progress(err, packets, share);
    };
  const Result<Report> report = replay(*options, progress);
  if (err_is_terminal) err << kEraseLine << std::flush;
  if (!report) return complain(report.error(), err);
  if (as_json)
    out << to_json(*report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  else
    out << to_text(*report, style);
  out << std::flush;
  if (!report->damage.empty()) return complain({ErrorKind::failed, report->damage}, err);
  return out ? 0 : complain({ErrorKind::failed, "standard output: cannot be written"}, err);
}

}  // namespace fw::replay
