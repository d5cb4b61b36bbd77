// SPDX-License-Identifier: MIT
#include "replay/seed_profile.hpp"

#include <algorithm>
#include <optional>

#include "capture/link.hpp"
#include "replay/seed_packet.hpp"

namespace fw::replay {

bool SeedProfile::is_protected(const Address& address) const {
  return std::ranges::binary_search(protect_, address);
}

Outcome SeedProfile::judge(const capture::Record& record, const Clock& clock) {
  Outcome outcome;
  outcome.len_bytes = record.wire_bytes;
  const std::optional<fw_frame> frame =
      capture::to_ip_frame(record.link_type, record.data, record.wire_bytes);
  const std::optional<SeedPacket> packet = frame ? seed_packet(*frame) : std::nullopt;
  if (!packet) return outcome;
  if (!is_protected(packet->destination)) {
    if (is_protected(packet->source)) outcome.reason = FW_REASON_OUTGOING;
    return outcome;
  }
  outcome.source = packet->source;
  const Prefix source{.address = packet->source, .bits = 128};
  const bool counts = packet->has_payload && !is_protected(packet->source) &&
                      lists_.allow.covering(source) == nullptr;
  outcome.reason = FW_REASON_PASS;
  if (lists_.deny.covering(source) != nullptr)
    outcome.reason = FW_REASON_DENY;
  else if (is_blocked(packet->source, counts, static_cast<std::int64_t>(record.time_ns), clock))
    outcome.reason = FW_REASON_BAN;
  outcome.drop = outcome.reason != FW_REASON_PASS;
  return outcome;
}

bool SeedProfile::is_blocked(const Address& source, bool counts, std::int64_t time_ns,
                             const Clock& clock) {
  auto block = blocked_.find(source);
  if (block != blocked_.end() && time_ns - block->second > kBlockNs) {
    blocked_.erase(block);
    block = blocked_.end();
  }
  if (!counts) return block != blocked_.end();

  if (!was_cleared_ || time_ns - cleared_ns_ >= kWindowNs) {
    counts_.clear();
    cleared_ns_ = time_ns;
    was_cleared_ = true;
  }
  const unsigned count = ++counts_[source];
  if (count <= kLimit) return block != blocked_.end();
  if (block == blocked_.end())
    timeline_.add(
        {.id = ++last_event_,
         .time = clock.now().wall,
         .type = engine::EventType::ban,
         .address = source.text(),
         .fields = {engine::Field::text("for", "60s"), engine::Field::count("packets", count),
                    engine::Field::count("limit", kLimit), engine::Field::text("window", "1s")}});
  blocked_[source] = time_ns;
  return true;
}

}  // namespace fw::replay
