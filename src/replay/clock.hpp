// SPDX-License-Identifier: MIT
// The capture's clock, made fit for the policy: time stamps may stand still, step back and jump by
// years, the policy's clock never goes back. A step back stays put, gaps are kept.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/now.hpp"

namespace fw::replay {

class Clock {
 public:
  // When the first packet comes: nothing that is remembered from before it underflows.
  static constexpr std::uint64_t kStartNs = 3600 * kSecond;

  // `time_ns`: of the first packet, since 1970.
  explicit Clock(std::uint64_t time_ns)
      : first_ns_(std::min(time_ns, kLatestNs)), latest_ns_(first_ns_) {}

  // A packet has this time stamp; returns the policy's time, from which it is never before.
  std::uint64_t follow(std::uint64_t time_ns) {
    latest_ns_ = std::max(latest_ns_, std::min(time_ns, kLatestNs));
    return mono_ns();
  }

  [[nodiscard]] std::uint64_t mono_ns() const { return kStartNs + (latest_ns_ - first_ns_); }
  // Both clocks at a time that is not after mono_ns().
  [[nodiscard]] Now at(std::uint64_t mono_ns) const {
    const std::chrono::nanoseconds wall(
        static_cast<std::int64_t>(first_ns_ + (mono_ns - kStartNs)));
    return {.mono_ns = mono_ns,
            .wall = std::chrono::system_clock::time_point(
                std::chrono::duration_cast<std::chrono::system_clock::duration>(wall))};
  }
  [[nodiscard]] Now now() const { return at(mono_ns()); }

 private:
  // The year 2255: damaged files have any time stamp, and wall clocks count signed nanoseconds.
  static constexpr std::uint64_t kLatestNs = 9'000'000'000 * kSecond;

  std::uint64_t first_ns_, latest_ns_;
};

}  // namespace fw::replay
