// SPDX-License-Identifier: MIT
#include "engine/detect/new_sources.hpp"

#include <algorithm>

namespace fw::engine {

void NewSources::add(std::uint64_t now_ns, std::uint64_t packets, std::uint64_t new_sources) {
  if (!steps_.empty() && steps_.back().at_ns > now_ns) steps_.clear();  // the clock stepped back
  steps_.push_back({now_ns, packets, new_sources});
  while (steps_.front().at_ns + kHistoryNs < now_ns) {
    learn(steps_.front());
    steps_.pop_front();
  }
}

// Called with steps that are older than any test looks at, and were followed by no attack.
void NewSources::learn(const Step& step) {
  if (under_attack_) {
    interval_ = {};
    return;
  }
  if (interval_.at_ns == 0) interval_.at_ns = step.at_ns;
  interval_.packets += step.packets;
  interval_.new_sources += step.new_sources;
  if (interval_.at_ns + kIntervalNs > step.at_ns) return;
  usual_ = std::max(usual_, interval_.new_sources);
  if (interval_.packets > 0) intervals_++;
  interval_ = {};
}

bool NewSources::all_new(std::uint64_t since_ns, std::uint64_t until_ns,
                         std::uint64_t min_count) const {
  std::uint64_t packets = 0, new_sources = 0;
  for (const Step& step : steps_) {
    if (step.at_ns <= since_ns || step.at_ns > until_ns) continue;
    packets += step.packets;
    new_sources += step.new_sources;
  }
  return new_sources >= min_count &&
         static_cast<double>(new_sources) >= kMinNewShare * static_cast<double>(packets);
}

bool NewSources::is_flood() const {
  if (steps_.empty()) return false;
  const std::uint64_t now_ns = steps_.back().at_ns;
  if (now_ns < steps_.front().at_ns + kLongIntervalNs) return false;
  if (intervals_ >= kMinUsualIntervals &&
      all_new(now_ns - kIntervalNs, now_ns, std::max(kMinNewSources, kTimesUsual * usual_)))
    return true;
  const std::uint64_t began_ns = now_ns - kLongIntervalNs;
  return all_new(began_ns, began_ns + kIntervalNs, kMinNewSources) &&
         all_new(began_ns, now_ns, kMinNewSources * (kLongIntervalNs / kIntervalNs));
}

}  // namespace fw::engine
