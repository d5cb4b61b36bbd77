// SPDX-License-Identifier: MIT
// Who lost most packets, among any number of sources, in fixed memory: the Space-Saving algorithm
// (Metwally, Agrawal, El Abbadi 2005) in buckets of eight. A source that takes another's place
// inherits its count, so no count is too low, and `surplus` says by how much it may be too high.
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
  std::uint64_t first_ns = 0;  // policy's clock; of the first packet that was surely this source's
  std::uint8_t reason = 0;     // of that packet
};

class TopSources {
 public:
  TopSources() : buckets_(kBuckets) {}

  void add(const Outcome& dropped, std::uint64_t mono_ns);
  // The `n` that surely lost most, those first.
  [[nodiscard]] std::vector<SourceLoss> top(std::size_t n) const;
  // Sources that are known; more may have been forgotten.
  [[nodiscard]] std::size_t known() const;
  [[nodiscard]] bool forgot() const { return forgot_; }

 private:
  static constexpr std::size_t kWays = 8, kBuckets = 1024;
  std::vector<std::array<SourceLoss, kWays>> buckets_;
  bool forgot_ = false;
};

}  // namespace fw::replay
