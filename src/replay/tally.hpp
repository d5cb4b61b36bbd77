// SPDX-License-Identifier: MIT
// The counters of a replay: totals by reason and class, bans, unbans and limits in order, and the
// sources that lost most packets. Memory does not depend on the capture.
//
// Thread rule: one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/journal/event.hpp"
#include "replay/outcome.hpp"
#include "replay/top_sources.hpp"

namespace fw::replay {

struct PacketCount {
  std::uint64_t packets = 0, bytes = 0;

  void add(std::uint32_t len_bytes) {
    ++packets;
    bytes += len_bytes;
  }
  PacketCount& operator+=(const PacketCount& other) {
    packets += other.packets;
    bytes += other.bytes;
    return *this;
  }
};

// Bans, unbans and limits. The first kKept are stored, all are counted.
class Timeline {
 public:
  static constexpr std::size_t kKept = 1000;

  void add(const engine::Event& event);
  [[nodiscard]] const std::vector<engine::Event>& events() const { return events_; }
  [[nodiscard]] std::uint64_t count(engine::EventType type) const {
    return counts_.at(static_cast<std::size_t>(type));
  }
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }

 private:
  std::vector<engine::Event> events_;
  std::array<std::uint64_t, engine::kEventTypes> counts_{};
  std::uint64_t left_out_ = 0;
};

class Tally {
 public:
  void add(const Outcome& outcome, std::uint64_t mono_ns);

  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] PacketCount passed(unsigned reason) const { return passed_.at(reason); }
  [[nodiscard]] PacketCount dropped(unsigned reason) const { return dropped_.at(reason); }
  // To the protected addresses.
  [[nodiscard]] PacketCount all_passed() const;
  [[nodiscard]] PacketCount all_dropped() const;
  // The dropped SYNs that a SYN cookie would have answered, so that a real client gets in.
  [[nodiscard]] PacketCount challenged() const { return dropped(FW_REASON_CHALLENGE); }
  // Packets of a class, counting those that the policy classified, and how many of them were
  // dropped.
  [[nodiscard]] PacketCount of_class(unsigned traffic_class) const {
    return classes_.at(traffic_class);
  }
  [[nodiscard]] PacketCount dropped_of_class(unsigned traffic_class) const {
    return dropped_classes_.at(traffic_class);
  }
  // Sources of packets that were dropped.
  [[nodiscard]] const TopSources& sources() const { return sources_; }

 private:
  std::uint64_t records_ = 0;
  std::array<PacketCount, kOutcomes> passed_{}, dropped_{};
  std::array<PacketCount, FW_CLASS_COUNT> classes_{}, dropped_classes_{};
  TopSources sources_;
};

}  // namespace fw::replay
