// SPDX-License-Identifier: MIT
// Packets of a whole attack in bounded room. What comes is kept apart by class, port and fate, so
// that a large vector does not push a small one out. Each of these groups has an equal share of the
// room. A group above its share gives up every second packet, and from then on takes half as many
// as before: what it keeps is spread evenly from its first packet to its last.
//
// Thread rule: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "abi/messages.h"

namespace fw::daemon {

class SampleShares {
 public:
  // Judgement: vectors of one attack; what comes when there are so many shares the last one.
  static constexpr std::size_t kGroups = 16;

  explicit SampleShares(std::size_t room) : room_(room) {}

  void add(const fw_sample& sample);
  void clear();

  // Packets were given up, or not taken, since clear().
  [[nodiscard]] bool is_thinned() const { return thinned_; }
  // All of them, by time.
  [[nodiscard]] std::vector<fw_sample> all() const;

 private:
  // Class, served port (0: none), kind.
  using Key = std::tuple<std::uint8_t, std::uint16_t, std::uint8_t>;
  struct Group {
    std::vector<fw_sample> kept;
    std::uint64_t seen = 0, stride = 1;  // every stride-th is kept
  };
  void thin(Group& group);

  std::size_t room_;
  std::map<Key, Group> groups_;
  bool thinned_ = false;
};

}  // namespace fw::daemon
