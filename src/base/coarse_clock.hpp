// SPDX-License-Identifier: MIT
// The monotonic clock of daemon and datapaths: coarse (it moves with the kernel's tick, 1 to 4 ms),
// as bpf_ktime_get_coarse_ns() reads it, so that kernel and user space agree on "now".
//
// Thread rule: a free function without state.
#pragma once

#include <cstdint>
#include <ctime>

namespace fw {

// Nanoseconds since the machine started; never steps.
[[nodiscard]] inline std::uint64_t coarse_now_ns() {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace fw
