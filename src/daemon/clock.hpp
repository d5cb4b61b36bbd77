// SPDX-License-Identifier: MIT
// The one place where the daemon reads clocks: the datapath's (policy/abi.h) and the wall clock.
// Neither needs a datapath, because in `mode off` there is none.
#pragma once

#include <chrono>

#include "base/coarse_clock.hpp"
#include "engine/now.hpp"

namespace fw::daemon {

[[nodiscard]] inline Now read_clocks() {
  return {.mono_ns = coarse_now_ns(), .wall = std::chrono::system_clock::now()};
}

}  // namespace fw::daemon
