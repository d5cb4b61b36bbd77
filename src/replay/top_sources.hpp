// SPDX-License-Identifier: MIT
// The sources of most dropped packets, among any number of sources, in fixed memory: the
// Space-Saving algorithm (Metwally, Agrawal, El Abbadi 2005) in buckets of eight slots. A source
// that takes the slot of another inherits its count. So no count is too low, and `surplus` is the
// bound by which it may be too high.
//
// Thread rule: one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/address.hpp"
#include "replay/outcome.hpp"

namespace fw::replay {

struct SourceLoss {
  Address source;
  std::uint64_t packets = 0, surplus = 0;
  std::uint64_t answered = 0;  // of `packets`: SYNs that a SYN cookie would have answered
  std::uint64_t first_ns = 0;  // policy's clock; first packet that is certainly of this source
  std::uint8_t reason = 0;     // of that packet
};

class TopSources {
 public:
  TopSources() : buckets_(kBuckets) {}

  void add(const Outcome& dropped, std::uint64_t mono_ns);
  // The `n` sources of certainly most dropped packets, in descending order.
  [[nodiscard]] std::vector<SourceLoss> top(std::size_t n) const;
  // Sources that have a slot; more may have lost theirs.
  [[nodiscard]] std::size_t known() const;
  [[nodiscard]] bool forgot() const { return forgot_; }

 private:
  static constexpr std::size_t kSlots = 8, kBuckets = 1024;
  std::vector<std::array<SourceLoss, kSlots>> buckets_;
  bool forgot_ = false;
};

}  // namespace fw::replay
