// SPDX-License-Identifier: MIT
// What the daemon counts of itself, for the metrics: the engine only hands it on.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace fw::engine {

// How late the daemon's loop came to its tick, ten times a second: a histogram.
struct LoopFigures {
  // Upper bounds in milliseconds; one more for all that is above.
  static constexpr std::array<std::uint64_t, 6> kBoundsMs{1, 5, 20, 100, 500, 2000};

  std::array<std::uint64_t, kBoundsMs.size() + 1> ticks{};  // each only once
  double seconds = 0;                                       // all together

  void add(std::uint64_t late_ns) {
    std::size_t at = 0;
    while (at < kBoundsMs.size() && late_ns > kBoundsMs.at(at) * 1'000'000) ++at;
    ++ticks.at(at);
    seconds += static_cast<double>(late_ns) / 1e9;
  }
};

// One [[alert]]; since the start of the daemon.
struct AlertFigures {
  std::string name;
  std::uint64_t waiting = 0, delivered = 0, failures = 0, dropped = 0;
};

struct HostFigures {
  LoopFigures loop;
  std::vector<AlertFigures> alerts;
};

}  // namespace fw::engine
