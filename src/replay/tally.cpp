// SPDX-License-Identifier: MIT
#include "replay/tally.hpp"

namespace fw::replay {
namespace {

bool is_incoming(unsigned reason) {
  return reason != FW_REASON_OUTGOING && reason != kNotOurs;
}

}  // namespace

void Timeline::add(const engine::Event& event) {
  ++counts_.at(static_cast<std::size_t>(event.type));
  if (events_.size() < kKept)
    events_.push_back(event);
  else
    ++left_out_;
}

void Tally::add(const Outcome& outcome, std::uint64_t mono_ns) {
  ++records_;
  (outcome.drop ? dropped_ : passed_).at(outcome.reason).add(outcome.len_bytes);
  if (outcome.reason < FW_REASON_COUNT && fw_reason_is_classified(outcome.reason) != 0) {
    classes_.at(outcome.traffic_class).add(outcome.len_bytes);
    if (outcome.drop) dropped_classes_.at(outcome.traffic_class).add(outcome.len_bytes);
  }
  if (outcome.drop) sources_.add(outcome, mono_ns);
}

PacketCount Tally::all_passed() const {
  PacketCount all;
  for (unsigned reason = 0; reason < kOutcomes; ++reason)
    if (is_incoming(reason)) all += passed_.at(reason);
  return all;
}

PacketCount Tally::all_dropped() const {
  PacketCount all;
  for (const PacketCount& amount : dropped_) all += amount;
  return all;
}

}  // namespace fw::replay
