// SPDX-License-Identifier: MIT
// The rate limiter that Floodwall grew out of, kept as a fixed point for comparison
// (docs/replay.md):
//   - it counts per source the packets that have a payload, in one window of a second for all
//     sources, which starts anew when a counted packet comes a second or more after its start;
//   - the 41st blocks the source and is dropped; every packet of a blocked source is dropped;
//   - the block ends when more than 60 s have passed since the last excess packet;
//   - the deny list drops; the allow list only keeps from being counted.
// Unlike Floodwall it takes the capture's time stamps as they are, also backwards, and its memory
// grows with the number of sources above the limit.
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
  static constexpr unsigned kLimit = 40;
  static constexpr std::int64_t kWindowNs = 1'000'000'000;
  static constexpr std::int64_t kBlockNs = 60 * kWindowNs;

  // `protect`: sorted. `timeline` is borrowed.
  SeedProfile(std::span<const Address> protect, engine::ListSet lists, Timeline& timeline)
      : protect_(protect.begin(), protect.end()), lists_(std::move(lists)), timeline_(timeline) {}

  [[nodiscard]] Outcome judge(const capture::Record& record, const Clock& clock) override;
  [[nodiscard]] std::vector<std::string> problems() const override { return lists_.problems; }

 private:
  struct Hash {
    std::size_t operator()(const Address& address) const {
      return static_cast<std::size_t>((address.hi * 31 ^ address.lo) * 0x9e3779b97f4a7c15ULL);
    }
  };

  [[nodiscard]] bool is_protected(const Address& address) const;
  // True if the source is blocked, maybe by this very packet.
  [[nodiscard]] bool is_blocked(const Address& source, bool counts, std::int64_t time_ns,
                                const Clock& clock);

  std::vector<Address> protect_;
  engine::ListSet lists_;
  Timeline& timeline_;
  std::unordered_map<Address, unsigned, Hash> counts_;
  std::unordered_map<Address, std::int64_t, Hash> blocked_;  // to the time of the last excess
  std::int64_t cleared_ns_ = 0;
  bool was_cleared_ = false;
  std::uint64_t last_event_ = 0;
};

}  // namespace fw::replay
