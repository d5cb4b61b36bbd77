// SPDX-License-Identifier: MIT
// The one place where the daemon reads clocks: the datapath's (policy/abi.h) and the wall's. It
// must work while there is no datapath (`mode off`), so it does not ask one.
#pragma once

#include <chrono>
#include <ctime>

#include "engine/now.hpp"

namespace fw::daemon {

[[nodiscard]] inline engine::Now read_clocks() {
  timespec mono{};
  (void)::clock_gettime(CLOCK_MONOTONIC_COARSE, &mono);
  return {.mono_ns = static_cast<std::uint64_t>(mono.tv_sec) * engine::kSecond +
                     static_cast<std::uint64_t>(mono.tv_nsec),
          .wall = std::chrono::system_clock::now()};
}

}  // namespace fw::daemon
