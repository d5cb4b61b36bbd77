// SPDX-License-Identifier: MIT
// The two clocks, as an argument: the engine reads none. `mono_ns` is the datapath's (it never
// steps and all deadlines are kept in it), `wall` is what people read.
#pragma once

#include <chrono>
#include <cstdint>

namespace fw::engine {

struct Now {
  std::uint64_t mono_ns = 0;
  std::chrono::system_clock::time_point wall;
};

// The wall time at which the datapath's clock shows `mono_ns`.
[[nodiscard]] inline std::chrono::system_clock::time_point wall_at(const Now& now,
                                                                   std::uint64_t mono_ns) {
  const auto difference = static_cast<std::int64_t>(mono_ns - now.mono_ns);
  return now.wall + std::chrono::duration_cast<std::chrono::system_clock::duration>(
                        std::chrono::nanoseconds(difference));
}

inline constexpr std::uint64_t kSecond = 1'000'000'000;
inline constexpr std::uint64_t kMillisecond = 1'000'000;

}  // namespace fw::engine
