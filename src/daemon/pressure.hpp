// SPDX-License-Identifier: MIT
// Measures for the engine what this host's sockets and CPUs suffer. Often while there is something
// to see, else as often as the sockets are read anyway. On a host with many sockets it takes more
// time to read them, and they are read less often: it never costs more than a few percent of a CPU.
// One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/now.hpp"
#include "engine/detect/host_load.hpp"
#include "host/pressure.hpp"
#include "host/sockets.hpp"

namespace fw::daemon {

class PressureMeter {
 public:
  // Measured: docs/decisions/suffering.md.
  static constexpr unsigned kShareOfTime = 50;          // a fiftieth of one CPU's time at most ...
  static constexpr std::uint64_t kLongestNs = kSecond;  // ... but a measurement a second at least

  // The load since the last call, from what was read now.
  [[nodiscard]] engine::HostLoad measure(const std::vector<host::Socket>& sockets,
                                         const host::Pressure& pressure, const Now& now);
  // When the next measurement is due, if the last one took so long.
  [[nodiscard]] static std::uint64_t pause_ns(std::chrono::nanoseconds cost);

 private:
  std::map<std::uint64_t, std::uint32_t> drops_;  // by inode
  host::Pressure pressure_;
  std::uint64_t at_ns_ = 0;  // 0: never
};

}  // namespace fw::daemon
