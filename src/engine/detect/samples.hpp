// SPDX-License-Identifier: MIT
// The packets that the datapath sampled, kept apart: those of normal load (the baseline) and those
// that budgets refused (the excess). Both are bounded and keep the newest.
//
// The baseline of a class is divided among the served ports: what UDP looks like is up to the
// service, and a busy service must not evict the samples of the others. When a class is full, the
// port with most samples gives up its oldest (longest queue drop: Suter, Lakshman, Stiliadis,
// Choudhury, 1998).
//
// The first packets of a flood pass like any others. So samples of new sources become baseline only
// after kWaitNs, and never if an attack of their class begins meanwhile.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "abi/messages.h"
#include "base/now.hpp"

namespace fw::engine {

class Samples {
 public:
  // Judgement: memory (some 200 bytes a sample) against the finder's 4,096 a side and 200 that are
  // enough for a class.
  static constexpr std::size_t kBaselinePerClass = 1024;
  static constexpr std::size_t kMaxExcess = 4096;
  static constexpr std::size_t kMaxWaiting = 8192;
  // Judgement: longer than the detector's slowest alarm (NewSources::kLongIntervalNs).
  static constexpr std::uint64_t kWaitNs = 3 * kSecond;
  static constexpr std::uint64_t kExcessNs = 2 * kSecond;  // the search looks back one second

  void add(const fw_sample& sample);
  // Makes baseline of what waited long enough; forgets old excess.
  void advance(std::uint64_t now_ns);
  // A class is under attack at `now_ns`: what waits of it never becomes baseline.
  void set_under_attack(fw_class traffic_class, std::uint64_t now_ns) {
    attacked_ns_.at(traffic_class) = now_ns;
  }

  // Refused since `since_ns` and matched by no signature.
  [[nodiscard]] std::vector<fw_sample> excess(std::uint64_t since_ns) const;
  // Of new sources, passed since then, of a class: the excess of a flood that exceeds no budget.
  [[nodiscard]] std::vector<fw_sample> of_new_sources(fw_class traffic_class,
                                                      std::uint64_t since_ns) const;
  [[nodiscard]] std::vector<fw_sample> baseline() const;

 private:
  using Ring = std::deque<fw_sample>;
  struct ClassBaseline {
    std::map<std::uint16_t, Ring> by_port;  // 0: all ports that are not served; none is empty
    std::size_t count = 0;                  // kBaselinePerClass at most
  };
  static void push(Ring& ring, std::size_t capacity, const fw_sample& sample);
  void add_to_baseline(const fw_sample& sample);

  std::array<ClassBaseline, FW_CLASS_COUNT> baseline_;
  Ring waiting_, excess_;
  std::array<std::uint64_t, FW_CLASS_COUNT> attacked_ns_{};  // when it was last under attack
};

}  // namespace fw::engine
