// SPDX-License-Identifier: MIT
#include "engine/enforce/audit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/words.hpp"

namespace fw::engine {

void Audit::run(const Now& now) {
  if (now.mono_ns >= bans_due_ns_) check_bans(now);
  if (now.mono_ns >= slots_due_ns_) check_slots(now);
}

void Audit::check_bans(const Now& now) {
  std::size_t repairs = last_ban_ ? 0 : protected_.sync(now);
  const PrefixMap<Ban>& all = bans_.all();
  auto at = last_ban_ ? all.upper_bound(*last_ban_) : all.begin();
  for (std::size_t steps = 0; at != all.end() && steps < kBansPerCall; ++at, ++steps) {
    if (bans_.repair(at->first, at->second, now)) ++repairs;
    last_ban_ = at->first;
  }
  if (at == all.end()) {
    last_ban_.reset();
    bans_due_ns_ = now.mono_ns + kPeriodNs;
  }
  repaired(repairs, now);
}

void Audit::check_slots(const Now& now) {
  std::size_t repairs = 0;
  const std::span<const fw_entry> slots = entries_.slots();
  const std::size_t end = std::min(slots.size(), next_slot_ + kSlotsPerCall);
  for (std::size_t used = 0; next_slot_ < end && used < kUsedPerCall; ++next_slot_) {
    const fw_entry& entry = slots[next_slot_];
    if (until_ns(entry) <= now.mono_ns) continue;
    ++used;
    const fw_entry* found = entries_.find(prefix_of(entry), entry.kind);
    if (found == &entry && entry.kind == FW_ENTRY_BAN) {
      bans_.adopt_unreported(entry, now);
    } else if (found != nullptr && found != &entry) {
      entries_.erase_slot(entry);  // two CPUs made the same ban at once
    } else if (found == nullptr || !protected_.wants(entry)) {
      entries_.erase_slot(entry);
      ++repairs;
    }
  }
  if (next_slot_ >= slots.size()) {
    next_slot_ = 0;
    slots_due_ns_ = now.mono_ns + kPeriodNs;
  }
  repaired(repairs, now);
}

// Logged once while it goes on.
void Audit::repaired(std::size_t entries, const Now& now) {
  if (entries == 0) return;
  const bool is_new = repaired_ == 0 || now.mono_ns - repaired_at_ns_ > kReportedNs;
  repaired_ = is_new ? entries : repaired_ + entries;
  repaired_at_ns_ = now.mono_ns;
  if (is_new)
    journal_.write(EventType::repaired, now,
                   [&] { return EventDetails{"", {Field::count("entries", entries)}}; });
}

std::optional<std::string> Audit::problem(const Now& now) const {
  if (repaired_ == 0 || now.mono_ns - repaired_at_ns_ > kReportedNs) return std::nullopt;
  return fmt::format(
      "{} bans or exemptions were not in the datapath's tables as they should have been and were "
      "put right, the last {} ago: is another program writing to them?",
      repaired_, duration_in_words(now.mono_ns - repaired_at_ns_));
}

}  // namespace fw::engine
