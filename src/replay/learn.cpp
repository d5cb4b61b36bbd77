// SPDX-License-Identifier: MIT
#include "replay/learn.hpp"

#include <utility>

#include "capture/reader.hpp"
#include "replay/default_profile.hpp"

namespace fw::replay {
namespace {

// Nothing is learned from a second in which a budget was exceeded. Here the file's traffic is
// normal load by definition, so no budget may be in its way: the highest that the configuration
// accepts.
config::Config without_budgets(config::Config config) {
  for (config::Budget& budget : config.budgets)
    if (budget.limit) budget = {.limit = 10e6, .burst = 1'000'000, .served_burst = 1'000'000};
  config.detect.learn = true;
  config.detect.capacity.reset();
  return config;
}

}  // namespace

Result<engine::Baseline> learn_from(const std::string& file, const std::vector<Address>& protect,
                                    config::Config config) {
  config.lists = {.allow = {}, .deny = {}};
  Result<capture::Reader> reader = capture::Reader::open(file);
  if (!reader) return std::unexpected(std::move(reader.error()));

  capture::Record record;
  Result<bool> more = reader->next(record);
  CaptureClock clock(more && *more ? record.time_ns : 0);
  Timeline timeline;
  auto profile =
      DefaultProfile::open(without_budgets(std::move(config)), {}, protect, clock, timeline);
  if (!profile) return std::unexpected(std::move(profile.error()));
  for (; more && *more; more = reader->next(record)) {
    clock.advance_to(record.time_ns);
    (void)(*profile)->judge(record, clock);
  }
  if (!more) return std::unexpected(std::move(more.error()));
  (*profile)->finish(clock);
  return (*profile)->learned();
}

}  // namespace fw::replay
