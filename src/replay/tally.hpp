// SPDX-License-Identifier: MIT
// What a replay adds up: totals by reason and class, the transitions in order, and who was dropped
// most. Its memory is fixed, whatever the capture holds.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/journal/event.hpp"
#include "replay/outcome.hpp"
#include "replay/top_sources.hpp"

namespace fw::replay {

struct Amount {
  std::uint64_t packets = 0, bytes = 0;

  void add(std::uint32_t len_bytes) {
    ++packets;
    bytes += len_bytes;
  }
  Amount& operator+=(const Amount& other) {
    packets += other.packets;
    bytes += other.bytes;
    return *this;
  }
};

// Bans, unbans and limits. The first ones are kept whole, all are counted.
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
  [[nodiscard]] Amount passed(unsigned reason) const { return passed_.at(reason); }
  [[nodiscard]] Amount dropped(unsigned reason) const { return dropped_.at(reason); }
  // To the protected addresses.
  [[nodiscard]] Amount all_passed() const;
  [[nodiscard]] Amount all_dropped() const;
  // Of the dropped ones: SYNs that a SYN cookie would have answered, so that a real client gets in.
  [[nodiscard]] Amount challenged() const { return dropped(FW_REASON_CHALLENGE); }
  // Of a class, among the packets that came as far as the limits; and what was dropped of those.
  [[nodiscard]] Amount of_class(unsigned traffic_class) const { return classes_.at(traffic_class); }
  [[nodiscard]] Amount dropped_of_class(unsigned traffic_class) const {
    return dropped_classes_.at(traffic_class);
  }
  // Who was dropped and not answered.
  [[nodiscard]] const TopSources& sources() const { return sources_; }

 private:
  std::uint64_t records_ = 0;
  std::array<Amount, kOutcomes> passed_{}, dropped_{};
  std::array<Amount, FW_CLASS_COUNT> classes_{}, dropped_classes_{};
  TopSources sources_;
};

}  // namespace fw::replay
