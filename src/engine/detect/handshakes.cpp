// SPDX-License-Identifier: MIT
#include "engine/detect/handshakes.hpp"

#include <algorithm>

namespace fw::engine {

void Handshakes::add(std::uint64_t now_ns, std::uint64_t syns, std::uint64_t completed) {
  if (!steps_.empty() && steps_.back().at_ns > now_ns) steps_.clear();  // the clock stepped back
  steps_.push_back({now_ns, syns, completed});
  while (steps_.front().at_ns + kIntervalNs < now_ns) steps_.pop_front();
}

// Completed within `kOldNs` from `since_ns` on.
std::uint64_t Handshakes::completed(std::uint64_t since_ns) const {
  std::uint64_t sum = 0;
  for (const Step& step : steps_)
    if (step.at_ns >= since_ns && step.at_ns <= since_ns + kOldNs) sum += step.completed;
  return sum;
}

std::uint64_t Handshakes::unfinished() const {
  std::uint64_t old = 0, most = 0;
  for (const Step& step : steps_) {
    if (step.at_ns + kRoundTripNs <= steps_.back().at_ns) old += step.syns;
    most = std::max(most, completed(step.at_ns));
  }
  if (old < most + kMinUnfinished || (old - most) * kLeastShare < old) return 0;
  return (old - most) * kSecond / kOldNs;
}

}  // namespace fw::engine
