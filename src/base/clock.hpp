// SPDX-License-Identifier: MIT
// Reads the machine's clocks. Only the daemon and the datapaths may (CONTRIBUTING.md); all others
// are given a Now.
#pragma once

#include <cstdint>
#include <ctime>

#include "base/now.hpp"

namespace fw {

[[nodiscard]] inline std::uint64_t clock_ns(clockid_t clock) {
  timespec time{};
  (void)::clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

// The datapath's clock (abi/types.h): what bpf_ktime_get_coarse_ns() returns in the kernel.
[[nodiscard]] inline std::uint64_t coarse_monotonic_ns() {
  return clock_ns(CLOCK_MONOTONIC_COARSE);
}

[[nodiscard]] inline Now read_clocks() {
  // In this order, so that the difference is not negative.
  const std::uint64_t awake_ns = clock_ns(CLOCK_MONOTONIC);
  const std::uint64_t slept_ns = clock_ns(CLOCK_BOOTTIME) - awake_ns;
  return {.mono_ns = coarse_monotonic_ns(),
          .wall = std::chrono::system_clock::now(),
          .slept_ns = slept_ns};
}

}  // namespace fw
