// SPDX-License-Identifier: MIT
// The clock of a replay, driven by the time stamps of the capture. Time stamps may stand still,
// step back and jump by years; the policy's clock must never go back. So a step back leaves the
// clock where it is, and gaps are kept.
//
// Thread rule: one thread at a time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/now.hpp"

namespace fw::replay {

class CaptureClock {
 public:
  // The policy's time at the first packet. It is not 0, so that subtracting an interval from it
  // does not underflow; an hour is longer than any such interval (judgement).
  static constexpr std::uint64_t kStartNs = 3600 * kSecond;

  // `time_ns`: the time stamp of the first packet, since 1970.
  explicit CaptureClock(std::uint64_t time_ns)
      : first_ns_(std::min(time_ns, kLatestNs)), latest_ns_(first_ns_) {}

  // Moves the clock to the time stamp of the next packet, if that is later. Returns mono_ns().
  std::uint64_t advance_to(std::uint64_t time_ns) {
    latest_ns_ = std::max(latest_ns_, std::min(time_ns, kLatestNs));
    return mono_ns();
  }

  // The policy's time. Never decreases.
  [[nodiscard]] std::uint64_t mono_ns() const { return kStartNs + (latest_ns_ - first_ns_); }
  // Policy's time and wall clock at a time that is not after mono_ns().
  [[nodiscard]] Now at(std::uint64_t mono_ns) const {
    const std::chrono::nanoseconds wall(
        static_cast<std::int64_t>(first_ns_ + (mono_ns - kStartNs)));
    return {.mono_ns = mono_ns,
            .wall = std::chrono::system_clock::time_point(
                std::chrono::duration_cast<std::chrono::system_clock::duration>(wall))};
  }
  [[nodiscard]] Now now() const { return at(mono_ns()); }

 private:
  // The year 2255. Damaged files have any time stamp, and std::chrono counts in signed nanoseconds,
  // which end in 2262.
  static constexpr std::uint64_t kLatestNs = 9'000'000'000 * kSecond;

  std::uint64_t first_ns_, latest_ns_;
};

}  // namespace fw::replay
