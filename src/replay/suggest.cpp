// SPDX-License-Identifier: MIT
#include "replay/suggest.hpp"

#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>

#include "base/terminal_text.hpp"
#include "capture/reader.hpp"
#include "cli/render.hpp"
#include "config/config.hpp"
#include "engine/learn/suggest.hpp"
#include "replay/default_profile.hpp"

namespace fw::replay {
namespace {

// The baseline does not learn from traffic that is judged to be an attack. The caller says that
// this capture is normal load, so no budget may limit it.
config::Config without_budgets(config::Config config) {
  for (config::Budget& budget : config.budgets)
    if (budget.limit) budget = {.limit = 10e6, .burst = 1'000'000, .served_burst = 1'000'000};
  config.detect.learn = true;
  return config;
}

int complain(const Error& error, std::ostream& err) {
  err << "floodwall: " << printable_lines(error.message) << "\n";
  return static_cast<int>(error.kind);
}

}  // namespace

Result<nlohmann::json> suggest_from(const Options& options) {
  Result<config::Config> config = options.config ? config::load(*options.config) : config::Config{};
  if (!config) return std::unexpected(std::move(config.error()));
  const config::Budgets configured = config->budgets;
  config->lists = {.allow = {}, .deny = {}};
  Result<capture::Reader> reader = capture::Reader::open(options.file);
  if (!reader) return std::unexpected(std::move(reader.error()));

  capture::Record record;
  Result<bool> more = reader->next(record);
  CaptureClock clock(more && *more ? record.time_ns : 0);
  Timeline timeline;
  auto profile = DefaultProfile::open(without_budgets(std::move(*config)), {}, options.protect,
                                      clock, timeline);
  if (!profile) return std::unexpected(std::move(profile.error()));
  for (; more && *more; more = reader->next(record)) {
    clock.advance_to(record.time_ns);
    (void)(*profile)->judge(record, clock);
  }
  if (!more) return std::unexpected(std::move(more.error()));
  (*profile)->finish(clock);
  const engine::Baseline learned = (*profile)->learned();
  return nlohmann::json{{"toml", engine::suggestion(learned, configured, options.file)},
                        {"seconds", learned.seconds()}};
}

int run_suggest(std::span<const std::string> arguments, bool as_json,
                const std::function<Result<nlohmann::json>()>& ask, std::ostream& out,
                std::ostream& err) {
  const Result<Options> options = parse_suggest_options(arguments);
  if (!options) return complain(options.error(), err);
  if (!options->help.empty()) {
    out << options->help << std::flush;
    return 0;
  }
  const Result<nlohmann::json> reply = options->file.empty() ? ask() : suggest_from(*options);
  if (!reply) return complain(reply.error(), err);
  if (as_json)
    out << reply->dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  else
    out << cli::render("suggest", *reply, {});
  out << std::flush;
  return out ? 0 : complain({ErrorKind::failed, "standard output: cannot be written"}, err);
}

}  // namespace fw::replay
