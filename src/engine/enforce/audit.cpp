// SPDX-License-Identifier: MIT
#include "engine/enforce/audit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/words.hpp"

namespace fw::engine {

void Audit::run(const Now& now) {
  switch (stage_) {
    case Stage::idle:
      if (now.mono_ns < due_ns_) return;
      due_ns_ = now.mono_ns + kPeriodNs;
      repaired_now_ = 0;
      last_ban_.reset();
      next_slot_ = 0;
      stage_ = Stage::protections;
      return;
    case Stage::protections:
      repaired_now_ += protected_.sync(now);
      stage_ = Stage::bans;
      return;
    case Stage::bans:
      if (check_bans(kStepsPerCall, now)) stage_ = Stage::slots;
      return;
    case Stage::slots:
      if (!check_slots(kStepsPerCall, now)) return;
      stage_ = Stage::idle;
      if (repaired_now_ > 0) report(now);
      return;
  }
}

bool Audit::check_bans(std::size_t steps, const Now& now) {
  const PrefixMap<Ban>& all = bans_.all();
  auto at = last_ban_ ? all.upper_bound(*last_ban_) : all.begin();
  for (; at != all.end() && steps > 0; ++at, --steps) {
    if (bans_.repair(at->first, at->second, now)) ++repaired_now_;
    last_ban_ = at->first;
  }
  return at == all.end();
}

bool Audit::check_slots(std::size_t steps, const Now& now) {
  const std::span<const fw_entry> slots = entries_.slots();
  const std::size_t end = std::min(slots.size(), next_slot_ + steps);
  for (; next_slot_ < end; ++next_slot_) {
    const fw_entry& entry = slots[next_slot_];
    if (until_ns(entry) <= now.mono_ns) continue;
    if (entry.kind == FW_ENTRY_BAN) {
      bans_.adopt(entry, now);  // one whose event was lost
    } else if (!protected_.wants(entry)) {
      entries_.erase(prefix_of(entry), entry.kind);
      ++repaired_now_;
    }
  }
  return next_slot_ >= slots.size();
}

void Audit::report(const Now& now) {
  repaired_last_ = repaired_now_;
  repaired_at_ns_ = now.mono_ns;
  journal_.write(EventType::repaired, now,
                 [&] { return EventDetails{"", {Field::count("entries", repaired_now_)}}; });
}

std::optional<std::string> Audit::problem(const Now& now) const {
  if (repaired_last_ == 0 || now.mono_ns - repaired_at_ns_ > kReportedNs) return std::nullopt;
  return fmt::format(
      "{} bans or exemptions were not in the datapath's tables as they should have been and were "
      "put "
      "right {} ago: is another program writing to them?",
      repaired_last_, duration_in_words(now.mono_ns - repaired_at_ns_));
}

}  // namespace fw::engine
