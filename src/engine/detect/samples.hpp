// SPDX-License-Identifier: MIT
// What the datapath showed of its packets, kept apart: what came in peace, and what budgets
// refused. Both are bounded; the newest stay. Of peace each port that is served keeps a fair part
// of its class: what UDP looks like is up to the service, and a busy one would leave nothing of
// those beside it.
//
// The first packets of a flood pass as if they were peace. So what is of new sources waits a while
// before it counts as peace, and never does when trouble begins meanwhile.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "abi/abi.h"
#include "base/now.hpp"

namespace fw::engine {

class Samples {
 public:
  static constexpr std::size_t kPeacePerClass = 1024;
  static constexpr std::size_t kExcess = 4096;
  static constexpr std::size_t kWaiting = 8192;
  static constexpr std::uint64_t kWaitNs = 3 * kSecond;
  static constexpr std::uint64_t kExcessNs = 2 * kSecond;

  void add(const fw_sample& sample);
  // Lets what waited long enough count as peace, forgets excess that is old.
  void settle(std::uint64_t now_ns);
  // There is trouble: what waits is no peace, nor what comes until it is over.
  void trouble(std::uint64_t now_ns) { trouble_ns_ = now_ns; }

  // Refused since `since_ns` and explained by no signature.
  [[nodiscard]] std::vector<fw_sample> excess(std::uint64_t since_ns) const;
  // Of new sources, passed since then, of a class: where no budget is exceeded, yet all are new.
  [[nodiscard]] std::vector<fw_sample> unverified_sources(fw_class traffic_class,
                                                          std::uint64_t since_ns) const;
  [[nodiscard]] std::vector<fw_sample> peace() const;

 private:
  using Ring = std::deque<fw_sample>;
  struct Peace {
    std::map<std::uint16_t, Ring> by_port;  // 0: all that no service answers on; none is empty
    std::size_t count = 0;                  // kPeacePerClass at most
  };
  static void keep(Ring& ring, std::size_t most, const fw_sample& sample);
  void keep_peace(const fw_sample& sample);

  std::array<Peace, FW_CLASS_COUNT> peace_;
  Ring waiting_, excess_;
  std::uint64_t trouble_ns_ = 0;  // when there last was some
};

}  // namespace fw::engine
