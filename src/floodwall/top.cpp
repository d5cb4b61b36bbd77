// SPDX-License-Identifier: MIT
// `floodwall top`: where it is shown.
#include "top/top.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>
#include <string_view>

#include "base/units.hpp"
#include "floodwall/local.hpp"

namespace fw {
namespace {

Result<top::Options> options_of(const cli::CommandLine& line, const cli::World& world) {
  top::Options options{.colour = world.style.colour};
  if (world.style.width != 0) options.columns = world.style.width;
  if (const auto text = line.option("interval")) {
    const auto interval = parse_duration(*text);
    if (!interval) return fail(ErrorKind::usage, "--interval: " + interval.error().message);
    if (*interval < top::kLeastInterval || *interval > top::kMostInterval)
      return fail(ErrorKind::usage, fmt::format("--interval {}: must be {} to {}", *text,
                                                format_duration(top::kLeastInterval),
                                                format_duration(top::kMostInterval)));
    options.interval = *interval;
  }
  return options;
}

}  // namespace

Result<int> run_top(const cli::CommandLine& line, cli::World& world) {
  const auto options = options_of(line, world);
  if (!options) return std::unexpected(options.error());
  const top::Ask ask = [call = world.call, socket = line.socket](std::string_view verb,
                                                                 const nlohmann::json& request) {
    return call(socket, verb, request);
  };
  if (line.json) {
    const auto frame = top::frame_as_json(ask);
    if (!frame) return std::unexpected(frame.error());
    world.out << cli::json_text(*frame);
    return 0;
  }
  if (!line.flag("once") && world.in_is_terminal && world.out_is_terminal) {
    const auto shown = top::show_live(ask, *options);
    if (!shown) return std::unexpected(shown.error());
    if (*shown) return 0;
    world.err << "floodwall: this terminal (TERM) cannot be drawn on; one frame:\n";
  }
  const auto printed = top::print_frame(ask, *options, world.out);
  if (!printed) return std::unexpected(printed.error());
  return 0;
}

}  // namespace fw
