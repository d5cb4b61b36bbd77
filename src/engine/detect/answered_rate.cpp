// SPDX-License-Identifier: MIT
#include "engine/detect/answered_rate.hpp"

#include <algorithm>

namespace fw::engine {

void AnsweredRate::add(std::uint64_t now_ns, std::uint64_t answered, bool under_attack) {
  if (!steps_.empty() && steps_.back().at_ns > now_ns) steps_.clear();  // the clock stepped back
  steps_.push_back({now_ns, answered});
  for (; steps_.front().at_ns + kWaitNs < now_ns; steps_.pop_front()) {
    if (under_attack)
      interval_ = {};
    else
      learn(steps_.front());
  }
}

void AnsweredRate::learn(const Step& step) {
  if (interval_.at_ns == 0) interval_.at_ns = step.at_ns;
  interval_.answered += step.answered;
  if (interval_.at_ns + kIntervalNs > step.at_ns) return;
  usual_ = std::max(usual_, interval_.answered);
  if (interval_.answered > 0) intervals_++;
  interval_ = {};
}

std::uint64_t AnsweredRate::lately() const {
  std::uint64_t sum = 0;
  for (const Step& step : steps_)
    if (step.at_ns + kIntervalNs > steps_.back().at_ns) sum += step.answered;
  return sum;
}

bool AnsweredRate::is_far_above_usual(std::uint64_t min_pps) const {
  return intervals_ >= kMinIntervals && lately() >= std::max(min_pps, kTimesUsual * usual_);
}

}  // namespace fw::engine
