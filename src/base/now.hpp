// SPDX-License-Identifier: MIT
// The two clocks as an argument: only the daemon and the datapaths read one (base/clock.hpp).
// `mono_ns` is the datapath's clock, which never steps and stands still while the machine sleeps;
// all deadlines are kept in it. `wall` is the time that people read.
#pragma once

#include <chrono>
#include <cstdint>

namespace fw {

inline constexpr std::uint64_t kSecond = 1'000'000'000;  // in nanoseconds, as all spans of mono_ns
inline constexpr std::uint64_t kMillisecond = 1'000'000;

struct Now {
  std::uint64_t mono_ns = 0;
  std::chrono::system_clock::time_point wall;
  std::uint64_t slept_ns = 0;  // how long the machine has been suspended since it started
};

// The wall time at which the datapath's clock shows `mono_ns`.
[[nodiscard]] inline std::chrono::system_clock::time_point wall_at(const Now& now,
                                                                   std::uint64_t mono_ns) {
  const auto difference = static_cast<std::int64_t>(mono_ns - now.mono_ns);
  return now.wall + std::chrono::duration_cast<std::chrono::system_clock::duration>(
                        std::chrono::nanoseconds(difference));
}

}  // namespace fw
