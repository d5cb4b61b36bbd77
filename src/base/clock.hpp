// SPDX-License-Identifier: MIT
// Reads the machine's clocks. Only the daemon and the datapaths may (CONTRIBUTING.md); all others
// are given a Now.
#pragma once

#include <cstdint>
#include <ctime>

#include "base/now.hpp"

namespace fw {

// The datapath's clock (abi/types.h): what bpf_ktime_get_coarse_ns() returns in the kernel.
[[nodiscard]] inline std::uint64_t coarse_monotonic_ns() {
  timespec mono{};
  (void)::clock_gettime(CLOCK_MONOTONIC_COARSE, &mono);
  return static_cast<std::uint64_t>(mono.tv_sec) * kSecond +
         static_cast<std::uint64_t>(mono.tv_nsec);
}

[[nodiscard]] inline Now read_clocks() {
  return {.mono_ns = coarse_monotonic_ns(), .wall = std::chrono::system_clock::now()};
}

}  // namespace fw
