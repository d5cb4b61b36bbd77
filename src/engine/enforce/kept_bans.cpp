// SPDX-License-Identifier: MIT
// Bans and allowances that outlive the daemon.
#include "engine/enforce/kept_bans.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/enforce/access_table.hpp"

namespace fw::engine {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kBans = "ban";
constexpr std::string_view kAllowances = "allow";
// An end that another clock or a rounding moved by so much is the same end.
constexpr std::uint64_t kSameEndNs = kSecond;

constexpr auto kMost32 = std::numeric_limits<std::uint32_t>::max();
constexpr auto kMost64 = std::numeric_limits<std::int64_t>::max();

// Without an end: it is for ever.
void put_end(Json& json, std::uint64_t until_ns, const KeptClock& clock) {
  if (until_ns != FW_FOREVER) json["until_ns"] = clock.kept_ns(static_cast<std::int64_t>(until_ns));
}
std::uint64_t end_of(const KeptText& text, const KeptClock& clock) {
  if (!text.has("until_ns")) return FW_FOREVER;
  const std::int64_t until_ns = clock.mono_ns(text.number("until_ns"));
  return until_ns > 0 ? static_cast<std::uint64_t>(until_ns) : 0;
}

std::uint64_t sooner(std::uint64_t until_ns, std::uint64_t span_ns) {
  if (until_ns == FW_FOREVER) return until_ns;
  return until_ns > span_ns ? until_ns - span_ns : 1;
}

Json json_of(const Measured& measured) {
  return {{"time_ms", wall_ms(measured.time)}, {"value", measured.value},
          {"limit", measured.limit},           {"dport", measured.dport},
          {"proto", measured.proto},           {"metric", static_cast<unsigned>(measured.metric)}};
}

Measured measured_of(const KeptText& text) {
  return {.time = from_wall_ms(text.number("time_ms")),
          .value = text.count("value", kMost64),
          .limit = text.count("limit", kMost64),
          .dport = static_cast<std::uint16_t>(text.count("dport", 65'535)),
          .proto = static_cast<std::uint8_t>(text.count("proto", 255)),
          .metric = static_cast<fw_metric>(text.count("metric", FW_METRIC_COUNT - 1))};
}

}  // namespace

std::string text_of(const Ban& ban, std::uint64_t until_ns, const KeptClock& clock,
                    const Now& now) {
  Json json = {{"since_ms", wall_ms(began_at(ban, now))},
               {"by", ban.by == BannedBy::limit ? "limit" : "operator"},
               {"forced", ban.forced},
               {"restricted", ban.restricted},
               {"observed", ban.observed},
               {"offence", ban.offence},
               {"hold_ms", ban.hold_ms},
               {"ban_above", ban.ban_above},
               {"metric", ban.metric},
               {"rule", ban.rule},
               {"reason", ban.reason}};
  put_end(json, until_ns, clock);
  if (ban.measured) json["measured"] = json_of(*ban.measured);
  return kept_text(json);
}

Ban ban_of(const KeptText& text, const KeptClock& clock, const Settings& settings, const Now& now) {
  Ban ban;
  ban.by = text.text("by") == "limit" ? BannedBy::limit : BannedBy::operator_;
  ban.forced = text.flag("forced");
  ban.restricted = text.flag("restricted");
  ban.observed = text.flag("observed");
  ban.offence = static_cast<unsigned>(text.count("offence", kMost32));
  ban.hold_ms = static_cast<std::uint32_t>(text.count("hold_ms", kMost32));
  ban.ban_above = static_cast<std::uint32_t>(text.count("ban_above", kMost32));
  ban.metric = static_cast<std::uint8_t>(text.count("metric", FW_METRIC_COUNT - 1));
  ban.rule = text.text("rule");
  ban.rule_index = settings.rule_named(ban.rule);
  ban.reason = text.text("reason");
  if (const auto measured = text.object("measured")) ban.measured = measured_of(*measured);
  ban.until_ns = end_of(text, clock);
  // The datapath takes no entry from before its clock began.
  const std::int64_t age_ms =
      std::max<std::int64_t>(0, wall_ms(now.wall) - text.number("since_ms"));
  const std::uint64_t age_ns = std::uint64_t(age_ms) * kMillisecond;
  ban.since_ns = now.mono_ns - std::min(age_ns, now.mono_ns);
  ban.older_ns = age_ns - (now.mono_ns - ban.since_ns);
  return ban;
}

std::string text_of(const Allowance& allowance, const KeptClock& clock) {
  Json json = {{"comment", allowance.comment}};
  put_end(json, allowance.until_ns, clock);
  return kept_text(json);
}

Allowance allowance_of(const KeptText& text, const KeptClock& clock) {
  return {.until_ns = end_of(text, clock), .comment = text.text("comment")};
}

// ------------------------------------------------------------------- bans

Bans::Kept Bans::restore(const Prefix& prefix, Ban kept, bool tables_tell, const Now& now) {
  const auto known = bans_.find(prefix);
  if (known != bans_.end()) {
    Ban& ban = known->second;
    if (kept.until_ns <= ban.since_ns) return Kept::in_force;  // a later ban
    ban.by = kept.by;
    ban.offence = kept.offence;
    ban.rule = std::move(kept.rule);
    ban.reason = std::move(kept.reason);
    ban.measured = kept.measured;
    const std::uint64_t age_ns = now.mono_ns - ban.since_ns;
    const std::uint64_t kept_age_ns = now.mono_ns - kept.since_ns + kept.older_ns;
    ban.older_ns = kept_age_ns > age_ns + kSameEndNs ? kept_age_ns - age_ns : 0;
    set_written(ban, Ban::Written::yes);
    const std::uint64_t differs =
        std::max(ban.until_ns, kept.until_ns) - std::min(ban.until_ns, kept.until_ns);
    if (differs < kSameEndNs) unwritten_.removed(prefix, false);
    return Kept::in_force;
  }
  const bool of_no_effect = kept.observed && kept.by == BannedBy::limit && !settings_.observing();
  if (tables_tell || of_no_effect || kept.until_ns <= now.mono_ns) {
    if (kept.until_ns <= now.mono_ns)
      journal_.write(ended(kept.restricted), now, [&] {
        return EventDetails{prefix.text(), {Field::text("reason", "expired")}};
      });
    return Kept::ended;
  }
  kept.observed = kept.observed && settings_.observing();
  if (!entries_.put(entry_of(prefix, kept), now.mono_ns)) return Kept::no_room;
  const std::uint64_t until = std::exchange(kept.until_ns, 0);
  Ban& ban = bans_[prefix] = std::move(kept);
  set_until(prefix, ban, until);
  set_forced(prefix, ban.forced);
  set_written(ban, Ban::Written::yes);
  return Kept::in_force;
}

void Bans::take_changes(std::size_t most, const KeptClock& clock, const Now& now, KeptRows& rows) {
  // A ban that is skipped was never written, so removing its row does nothing.
  unwritten_.take(kBans, most, rows, [&](const Prefix& prefix) -> std::optional<std::string> {
    const auto at = bans_.find(prefix);
    if (at == bans_.end()) return std::nullopt;
    Ban& ban = at->second;
    const std::uint64_t until = until_ns(prefix, ban);
    set_until(prefix, ban, until);
    unwritten_.removed(prefix, false);  // as just read
    if (ban.written != Ban::Written::yes && ban.by == BannedBy::limit && written_ >= kMaxWritten) {
      set_written(ban, Ban::Written::skipped);
      return std::nullopt;
    }
    set_written(ban, Ban::Written::yes);
    return text_of(ban, until, clock, now);
  });
}

void Bans::note_renewals() {
  for (auto& [prefix, ban] : bans_)
    if (ban.hold_ms != 0) set_until(prefix, ban, until_ns(prefix, ban));
}

void Bans::write_all() {
  for (auto& [prefix, ban] : bans_) {
    set_written(ban, Ban::Written::no);
    unwritten_.changed(prefix);
  }
}

void Bans::slept(std::uint64_t span_ns, const Now& now) {
  for (auto& [prefix, ban] : bans_) {
    ban.older_ns += span_ns;
    const std::uint64_t until = sooner(until_ns(prefix, ban), span_ns);
    entries_.move_end(prefix, FW_ENTRY_BAN, until);
    set_until(prefix, ban, until);
  }
  drop_stale_deadlines();
  expire(now);
}

// ------------------------------------------------------------------- allowances

bool Protected::restore(const Prefix& prefix, Allowance kept, bool tables_tell, const Now& now) {
  const auto known = allowances_.find(prefix);
  if (known != allowances_.end()) {
    known->second.comment = std::move(kept.comment);
    return true;
  }
  if (tables_tell || kept.until_ns <= now.mono_ns) {
    unwritten_.removed(prefix, true);
    return true;
  }
  if (!put(prefix, FW_ENTRY_ALLOW, kept.until_ns, now)) return false;
  deadlines_.emplace(kept.until_ns, prefix);
  allowances_[prefix] = std::move(kept);
  return true;
}

void Protected::take_changes(std::size_t most, const KeptClock& clock, KeptRows& rows) {
  unwritten_.take(kAllowances, most, rows, [&](const Prefix& prefix) -> std::optional<std::string> {
    const auto at = allowances_.find(prefix);
    if (at == allowances_.end()) return std::nullopt;
    return text_of(at->second, clock);
  });
}

void Protected::slept(std::uint64_t span_ns, const Now& now) {
  deadlines_.clear();
  for (auto& [prefix, allowance] : allowances_) {
    allowance.until_ns = sooner(allowance.until_ns, span_ns);
    deadlines_.emplace(allowance.until_ns, prefix);
    entries_.move_end(prefix, FW_ENTRY_ALLOW, allowance.until_ns);
  }
  expire(now);
}

}  // namespace fw::engine
