// SPDX-License-Identifier: MIT
// Profile `seed`: the rate limiter that Floodwall grew out of, kept unchanged for users who come
// from it, as a fixed point to compare with (docs/replay.md). Its rules:
//   - It counts, per source, packets with a payload, in one interval of a second that all sources
//     share. A counted packet that comes a second or more after the start begins a new interval.
//   - The 41st packet blocks the source and is dropped, as is every packet of a blocked source.
//   - A block ends when more than 60 s have passed since the last packet above the limit.
//   - The deny list drops. The allow list only exempts from being counted.
// Unlike Floodwall it uses the time stamps of the capture as they are, even backwards, and its
// memory grows with the number of sources.
//
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/enforce/list_set.hpp"
#include "replay/profile.hpp"

namespace fw::replay {

class SeedProfile final : public Profile {
 public:
  // The values of the original.
  static constexpr unsigned kLimit = 40;
  static constexpr std::int64_t kIntervalNs = 1'000'000'000;
  static constexpr std::int64_t kBlockNs = 60 * kIntervalNs;

  // `protect`: sorted. `timeline` is borrowed.
  SeedProfile(std::span<const Address> protect, engine::ListSet lists, Timeline& timeline)
      : protect_(protect.begin(), protect.end()), lists_(std::move(lists)), timeline_(timeline) {}

  [[nodiscard]] Outcome judge(const capture::Record& record, const CaptureClock& clock) override;
  [[nodiscard]] std::vector<std::string> problems() const override { return lists_.problems; }

 private:
  struct Hash {
    // Multiplicative (Fibonacci) hashing: 2^64 / phi.
    std::size_t operator()(const Address& address) const {
      return static_cast<std::size_t>((address.hi * 31 ^ address.lo) * 0x9e3779b97f4a7c15ULL);
    }
  };

  [[nodiscard]] bool is_protected(const Address& address) const;
  // Counts the packet if it `counts`. True if the source is blocked, maybe by this very packet.
  [[nodiscard]] bool is_blocked(const Address& source, bool counts, std::int64_t time_ns,
                                const CaptureClock& clock);

  std::vector<Address> protect_;
  engine::ListSet lists_;
  Timeline& timeline_;
  std::unordered_map<Address, unsigned, Hash> counts_;
  std::unordered_map<Address, std::int64_t, Hash> blocked_;  // to the last packet above the limit
  std::int64_t interval_start_ns_ = 0;
  bool has_interval_ = false;
  std::uint64_t last_event_ = 0;
};

}  // namespace fw::replay
