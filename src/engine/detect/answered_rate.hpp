// SPDX-License-Identifier: MIT
// Notices questions that are all answered, and are far more than there ever were: a flood in the
// name of addresses that once kept up a dialogue is answered like its owners. A service that bears
// it serves it; it is reported, since the answers go to people who did not ask.
#pragma once

#include <cstdint>
#include <deque>

#include "base/now.hpp"

namespace fw::engine {

class AnsweredRate {
 public:
  static constexpr std::uint64_t kIntervalNs = kSecond;
  // Judgement: what is older was not followed by an alarm, and is usual.
  static constexpr std::uint64_t kWaitNs = 2 * kSecond;
  static constexpr std::uint64_t kMinIntervals = 2;  // a crowd may have begun within the first
  static constexpr std::uint64_t kTimesUsual = 8;    // judgement, as NewSources::kTimesUsual

  // Questions answered since the last call. While under attack nothing is learned.
  void add(std::uint64_t now_ns, std::uint64_t answered, bool under_attack);
  // Whether at least `min_pps` are answered, and so many times more than usual. Never before
  // somebody was answered for a while.
  [[nodiscard]] bool is_far_above_usual(std::uint64_t min_pps) const;
  // Answered in the last second.
  [[nodiscard]] std::uint64_t lately() const;

 private:
  struct Step {
    std::uint64_t at_ns, answered;
  };

  void learn(const Step& step);

  std::deque<Step> steps_;       // of the last kWaitNs
  std::uint64_t usual_ = 0;      // the most in an interval that was usual
  std::uint64_t intervals_ = 0;  // with answers in them
  Step interval_{};              // being summed up
};

}  // namespace fw::engine
