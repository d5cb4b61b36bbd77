// SPDX-License-Identifier: MIT
// What an attack's vector is called, and whether it is one, by what was seen of its packets. The
// budget that was exceeded does not always say whom it hits: that of all addresses stands in where
// a scan has used up the table, and what is answered exceeds none.
#pragma once

#include <cstdint>
#include <deque>
#include <span>

#include "abi/messages.h"
#include "engine/detect/attack.hpp"

namespace fw::engine {

// The target to which at least half of the samples of a class go; without an address if there is
// none.
[[nodiscard]] VectorKey target_of_most(fw_class traffic_class, std::span<const fw_sample> samples);

// The packets seen lately, in few words.
class Seen {
 public:
  static constexpr std::size_t kMost = 4096;  // judgement: a second's, of two CPUs
  static constexpr std::uint64_t kLatelyNs = kSecond;
  static constexpr std::size_t kLeast = 8;         // judgement: fewer say nothing
  static constexpr std::size_t kMostPartners = 8;  // judgement

  void add(const fw_sample& sample);
  // Forgets what is old.
  void advance(std::uint64_t now_ns);

  // `key`; if its address is that of all, the address and port to which at least half of the
  // packets of its class go.
  [[nodiscard]] VectorKey name(const VectorKey& key) const;
  // Whether what is above the budget comes from a few senders whom the service has answered, or
  // who are verified otherwise: a bulk transfer, such as that of iperf3. Their addresses may be
  // forged, so many of them are none.
  [[nodiscard]] bool is_transfer(const VectorKey& key) const;

 private:
  struct Packet {
    std::uint64_t time_ns;
    VectorKey target;
    fw_addr source;
    bool is_excess, is_of_partner;
  };
  [[nodiscard]] VectorKey most(const VectorKey& key, bool of_excess) const;

  std::deque<Packet> packets_;
};

}  // namespace fw::engine
