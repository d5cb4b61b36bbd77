// SPDX-License-Identifier: MIT
#include "engine/detect/newcomers.hpp"

#include <algorithm>

namespace fw::engine {

void Newcomers::observe(std::uint64_t now_ns, std::uint64_t packets, std::uint64_t new_sources) {
  if (!steps_.empty() && steps_.back().at_ns > now_ns) steps_.clear();  // the clock stepped back
  steps_.push_back({now_ns, packets, new_sources});
  while (steps_.front().at_ns + kMemoryNs < now_ns) {
    learn(steps_.front());
    steps_.pop_front();
  }
}

// What is older than any look and was followed by no trouble.
void Newcomers::learn(const Step& step) {
  if (troubled_) {
    look_ = {};
    return;
  }
  if (look_.at_ns == 0) look_.at_ns = step.at_ns;
  look_.packets += step.packets;
  look_.new_sources += step.new_sources;
  if (look_.at_ns + kLookNs > step.at_ns) return;
  usual_ = std::max(usual_, look_.new_sources);
  if (look_.packets > 0) looks_++;
  look_ = {};
}

bool Newcomers::all_new(std::uint64_t since_ns, std::uint64_t until_ns, std::uint64_t many) const {
  std::uint64_t packets = 0, new_sources = 0;
  for (const Step& step : steps_) {
    if (step.at_ns <= since_ns || step.at_ns > until_ns) continue;
    packets += step.packets;
    new_sources += step.new_sources;
  }
  return new_sources >= many &&
         static_cast<double>(new_sources) >= kAllNew * static_cast<double>(packets);
}

bool Newcomers::is_flood() const {
  if (steps_.empty()) return false;
  const std::uint64_t now_ns = steps_.back().at_ns;
  if (now_ns < steps_.front().at_ns + kLongLookNs) return false;
  if (looks_ >= kPeaceLooks &&
      all_new(now_ns - kLookNs, now_ns, std::max(kMany, kTimesUsual * usual_)))
    return true;
  const std::uint64_t began_ns = now_ns - kLongLookNs;
  return all_new(began_ns, began_ns + kLookNs, kMany) &&
         all_new(began_ns, now_ns, kMany * (kLongLookNs / kLookNs));
}

}  // namespace fw::engine
