// SPDX-License-Identifier: MIT
#include "engine/enforce/bans.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <vector>

#include "base/words.hpp"
#include "datapath/address_key.hpp"
#include "engine/journal/measured.hpp"
#include "policy/policy.h"

namespace fw::engine {
namespace {

// Judgement: stale deadlines are dropped when there are more than bans plus so many.
constexpr std::size_t kStaleDeadlines = 1000;

// The clocks of two CPUs may differ by so much (fw_is_ahead).
constexpr std::uint64_t kClocksApartNs = kSecond;

// How often the datapath moved the end of a ban forward.
std::uint64_t renewals(const Ban& ban) {
  const std::uint64_t hold_ns = ban.hold_ms * kMillisecond;
  if (hold_ns == 0 || ban.until_ns <= ban.since_ns + hold_ns) return 0;
  return (ban.until_ns - ban.since_ns - 1) / hold_ns;  // rounded up, less the first hold
}

EventType began(bool restricted, bool observed) {
  if (restricted) return observed ? EventType::would_restrict : EventType::restricted;
  return observed ? EventType::would_ban : EventType::ban;
}

}  // namespace

fw_entry entry_of(const Prefix& prefix, const Ban& ban) {
  fw_entry entry{};
  entry.addr = key_of(prefix.address);
  entry.prefix_bits = static_cast<fw_u8>(prefix.bits);
  entry.kind = FW_ENTRY_BAN;
  entry.since_ns = ban.since_ns;
  entry.until_ns = ban.until_ns;
  entry.hold_ms = ban.hold_ms;
  entry.ban_above = ban.ban_above;
  entry.rule = ban.rule_index;
  entry.metric = static_cast<fw_u8>(ban.metric | (ban.forced ? FW_ENTRY_FORCED : 0) |
                                    (ban.restricted ? FW_ENTRY_RESTRICTED : 0));
  return entry;
}

EventType ended(bool restricted) {
  return restricted ? EventType::unrestricted : EventType::unban;
}

std::chrono::system_clock::time_point began_at(const Ban& ban, const Now& now) {
  return wall_at(now, ban.since_ns - ban.older_ns);
}

std::string for_field(std::uint64_t until_ns, std::uint64_t now_ns) {
  if (until_ns == FW_FOREVER) return "forever";
  return duration_field(until_ns > now_ns ? until_ns - now_ns : 0);
}

std::uint64_t deadline_ns(std::uint64_t now_ns, std::uint64_t span_ns) {
  return span_ns >= FW_FOREVER - now_ns ? FW_FOREVER : now_ns + span_ns;
}

std::pair<Bans::Map::iterator, bool> Bans::find_in_force(const Prefix& prefix, const Now& now) {
  const fw_entry* entry = entries_.find(prefix, FW_ENTRY_BAN);
  const std::uint64_t entry_until_ns = entry == nullptr ? 0 : engine::until_ns(*entry);
  if (entry_until_ns > now.mono_ns) adopt(*entry, now);
  const auto at = bans_.lower_bound(prefix);
  if (at == bans_.end() || at->first != prefix) return {at, false};
  set_until(prefix, at->second, std::max(at->second.until_ns, entry_until_ns));
  if (at->second.until_ns > now.mono_ns) return {at, true};
  const auto next = std::next(at);
  close(at, "expired", now);
  return {next, false};
}

Result<Bans::Ordered> Bans::order(const Prefix& prefix, const Order& order, const Now& now) {
  const auto [place, is_known] = find_in_force(prefix, now);
  Ban next;
  next.since_ns = now.mono_ns;
  if (is_known) next = place->second;
  const bool stricter = is_known && next.restricted && !order.restricted;
  if (next.until_ns >= order.until_ns && next.forced >= order.forced && !stricter) {
    const bool explained = !order.reason.empty() && order.reason != next.reason;
    if (explained) set_reason(place, order.reason, now);
    return Ordered{.changed = false, .explained = explained, .until_ns = next.until_ns};
  }

  next.by = BannedBy::operator_;
  next.forced = next.forced || order.forced;
  next.restricted = order.restricted && (!is_known || next.restricted);
  next.observed = settings_.observing();
  next.until_ns = std::max(next.until_ns, order.until_ns);
  if (!order.reason.empty()) next.reason = order.reason;
  if (Result<void> put = entries_.put(entry_of(prefix, next), now.mono_ns); !put)
    return std::unexpected(put.error());
  Ban& ban = (is_known ? place : bans_.try_emplace(place, prefix))->second;
  const std::uint64_t until = std::exchange(next.until_ns, ban.until_ns);
  ban = std::move(next);
  set_until(prefix, ban, until);
  set_forced(prefix, ban.forced);
  unwritten_.changed(prefix);
  journal_.write(began(ban.restricted, ban.observed), now, [&] {
    EventDetails details{
        prefix.text(),
        {Field::text("for", for_field(until, now.mono_ns)), Field::text("by", "operator")}};
    if (!order.reason.empty()) details.fields.push_back(Field::text("reason", order.reason));
    if (ban.forced) details.fields.push_back(Field::text("forced", "yes"));
    return details;
  });
  return Ordered{.changed = true, .until_ns = until};
}

// The ban stays as it is, also whose it is.
void Bans::set_reason(Map::iterator at, const std::string& reason, const Now& now) {
  auto& [prefix, ban] = *at;
  ban.reason = reason;
  unwritten_.changed(prefix);
  journal_.write(EventType::ban_reason, now,
                 [&] { return EventDetails{prefix.text(), {Field::text("reason", reason)}}; });
}

bool Bans::lift(const Prefix& prefix, std::string_view reason, const Now& now) {
  const auto at = bans_.find(prefix);
  if (at == bans_.end()) return false;
  close(at, reason, now);
  return true;
}

void Bans::lift_observed(const Now& now) {
  for (auto at = bans_.begin(); at != bans_.end();) {
    const auto next = std::next(at);
    if (at->second.observed && at->second.by == BannedBy::limit) close(at, "mode", now);
    at = next;
  }
}

void Bans::on_event(const fw_event& event, const Now& now) {
  const Prefix prefix{.address = from_key(event.src), .bits = event.prefix_bits};
  const fw_entry* entry = entries_.find(prefix, FW_ENTRY_BAN);
  if (entry == nullptr) return;  // it ended before its event was read
  const auto known = bans_.find(prefix);
  if (known != bans_.end()) {
    Ban& ban = known->second;
    if (ban.since_ns == entry->since_ns) {
      ban.measured = measured(event, now);
      return;
    }
    set_until(prefix, ban, std::min<std::uint64_t>(ban.until_ns, entry->since_ns));
    // The entry is the new ban's already, so it is not erased.
    const bool replaced = ban.restricted && event.kind == FW_EVENT_BAN;
    journal_.write(ended(ban.restricted), now, [&] {
      return EventDetails{prefix.text(),
                          {Field::text("reason", replaced ? "banned" : "expired"),
                           Field::count("renewals", renewals(ban))}};
    });
    erase(known);
  }
  open_limit_ban(prefix, *entry, event, now);
}

void Bans::open_limit_ban(const Prefix& prefix, const fw_entry& made, const fw_event& event,
                          const Now& now) {
  const config::Ban& config = settings_.config.ban;
  const bool observed = event.observed != 0;
  // A would-be ban is no offence.
  const unsigned offence = observed ? offences_.count(prefix, now, config.memory) + 1
                                    : offences_.add(prefix, now, config.memory);
  const fw_entry entry = escalate(made, escalation(config.escalate, offence), now);
  Ban& ban = bans_[prefix];
  ban = {.by = BannedBy::limit,
         .forced = false,
         .restricted = (entry.metric & FW_ENTRY_RESTRICTED) != 0,
         .observed = observed,
         .offence = offence,
         .hold_ms = entry.hold_ms,
         .ban_above = entry.ban_above,
         .rule_index = entry.rule,
         .metric = static_cast<std::uint8_t>(entry.metric & FW_ENTRY_METRIC),
         .since_ns = entry.since_ns,
         .until_ns = 0,
         .rule = settings_.rule_name(event.rule),
         .reason = {},
         .measured = measured(event, now)};
  set_until(prefix, ban, entry.until_ns);
  unwritten_.changed(prefix);
  journal_.write(began(ban.restricted, observed), now, [&] {
    EventDetails details{prefix.text(),
                         {Field::text("for", duration_field(ban.hold_ms * kMillisecond)),
                          Field::text("rule", ban.rule)}};
    std::ranges::copy(fields_of(*ban.measured), std::back_inserter(details.fields));
    details.fields.push_back(Field::count("offence", offence));
    return details;
  });
}

fw_entry Bans::escalate(const fw_entry& made, unsigned factor, const Now& now) {
  fw_entry entry = made;
  if (factor <= 1) return entry;
  const std::uint64_t hold_ms = std::min<std::uint64_t>(std::uint64_t{entry.hold_ms} * factor,
                                                        std::numeric_limits<std::uint32_t>::max());
  entry.hold_ms = static_cast<fw_u32>(hold_ms);
  entry.until_ns =
      std::max<std::uint64_t>(entry.until_ns, deadline_ns(entry.since_ns, hold_ms * kMillisecond));
  // It overwrites the entry of the same prefix and kind, so there is room.
  return entries_.put(entry, now.mono_ns) ? entry : made;
}

void Bans::expire(const Now& now) {
  while (!deadlines_.empty() && deadlines_.top().first <= now.mono_ns) {
    const auto [end_ns, prefix] = deadlines_.top();
    deadlines_.pop();
    const auto at = bans_.find(prefix);
    if (at == bans_.end() || at->second.until_ns != end_ns) continue;  // stale
    const std::uint64_t until = until_ns(prefix, at->second);
    set_until(prefix, at->second, until);
    if (until <= now.mono_ns) close(at, "expired", now);
  }
}

void Bans::adopt(const fw_entry& entry, const Now& now) {
  const Prefix prefix = prefix_of(entry);
  const auto [at, is_new] = bans_.try_emplace(prefix);
  if (!is_new) return;
  const bool by_limit = entry.hold_ms != 0;  // an operator's ban is not renewed
  Ban& ban = at->second;
  ban.by = by_limit ? BannedBy::limit : BannedBy::operator_;
  ban.observed = settings_.observing();
  ban.offence =
      by_limit ? std::max(1U, offences_.count(prefix, now, settings_.config.ban.memory)) : 0;
  ban.hold_ms = entry.hold_ms;
  ban.ban_above = entry.ban_above;
  ban.rule_index = entry.rule;
  ban.metric = entry.metric & FW_ENTRY_METRIC;
  ban.forced = (entry.metric & FW_ENTRY_FORCED) != 0;
  ban.restricted = (entry.metric & FW_ENTRY_RESTRICTED) != 0;
  set_forced(prefix, ban.forced);
  ban.since_ns = entry.since_ns;
  if (by_limit) ban.rule = settings_.rule_name(entry.rule);
  set_until(prefix, ban, engine::until_ns(entry));
  unwritten_.changed(prefix);
}

void Bans::adopt_unreported(const fw_entry& entry, const Now& now) {
  const Prefix prefix = prefix_of(entry);
  if (bans_.contains(prefix)) return;
  adopt(entry, now);
  const auto at = bans_.find(prefix);
  if (at == bans_.end() || entry.hold_ms == 0) return;
  const Ban& ban = at->second;
  journal_.write(began(ban.restricted, ban.observed), now, [&] {
    return EventDetails{prefix.text(),
                        {Field::text("for", for_field(ban.until_ns, now.mono_ns)),
                         Field::text("rule", ban.rule), Field::count("offence", ban.offence)}};
  });
}

bool Bans::repair(const Prefix& prefix, const Ban& ban, const Now& now) {
  if (ban.until_ns <= now.mono_ns) return false;
  // A renewal is written when it is seen here, and one that was skipped when there is room.
  if (until_ns(prefix, ban) != ban.until_ns ||
      (ban.written == Ban::Written::skipped && written_ < kMaxWritten))
    unwritten_.changed(prefix);
  const fw_entry* entry = entries_.find(prefix, FW_ENTRY_BAN);
  // The datapath may have begun a stricter or longer ban since, but none in the future.
  const bool is_in_force = entry != nullptr && engine::until_ns(*entry) >= ban.until_ns &&
                           entry->since_ns <= now.mono_ns + kClocksApartNs &&
                           (ban.restricted || (entry->metric & FW_ENTRY_RESTRICTED) == 0) &&
                           (!ban.forced || (entry->metric & FW_ENTRY_FORCED) != 0);
  if (is_in_force) return false;
  return entries_.put(entry_of(prefix, ban), now.mono_ns).has_value();
}

Result<void> Bans::refill(const Now& now) {
  for (const auto& [prefix, ban] : bans_)
    if (Result<void> put = entries_.put(entry_of(prefix, ban), now.mono_ns); !put) return put;
  return {};
}

std::uint64_t Bans::until_ns(const Prefix& prefix, const Ban& ban) const {
  const fw_entry* entry = entries_.find(prefix, FW_ENTRY_BAN);
  return entry == nullptr ? ban.until_ns : std::max(engine::until_ns(*entry), ban.until_ns);
}

std::uint64_t Bans::counted(const Prefix& prefix) const {
  const fw_entry* entry = entries_.find(prefix, FW_ENTRY_BAN);
  return entry == nullptr ? 0 : entries_.dropped(*entry);
}

Bans::Drops Bans::drops(const Prefix& prefix, const Ban& ban) const {
  const std::uint64_t all = counted(prefix);
  std::uint64_t observed = ban.observed_drops;
  if (settings_.observing()) observed += all - std::min(all, ban.before_observe);
  observed = std::min(observed, all);
  return {.dropped = all - observed, .observed = observed};
}

void Bans::begin_observe(bool observe) {
  for (auto& [prefix, ban] : bans_) {
    const std::uint64_t all = counted(prefix);
    if (!observe && settings_.observing())
      ban.observed_drops += all - std::min(all, ban.before_observe);
    if (observe) ban.before_observe = all;
  }
}

std::uint64_t Bans::rate(const Prefix& prefix, const Now& now) const {
  const fw_entry* entry = entries_.find(prefix, FW_ENTRY_BAN);
  if (entry == nullptr) return 0;
  return per_second(fw_policy_entry_rate(entry, now.mono_ns),
                    static_cast<fw_metric>(entry->metric & FW_ENTRY_METRIC));
}

void Bans::set_forced(const Prefix& prefix, bool forced) {
  if (forced ? forced_.emplace(prefix, true).second : forced_.erase(prefix) > 0) ++forced_changes_;
}

void Bans::set_written(Ban& ban, Ban::Written written) {
  const auto tally = [&](Ban::Written which) -> std::size_t* {
    return which == Ban::Written::yes       ? &written_
           : which == Ban::Written::skipped ? &skipped_
                                            : nullptr;
  };
  if (std::size_t* of = tally(ban.written)) --*of;
  ban.written = written;
  if (std::size_t* of = tally(ban.written)) ++*of;
}

void Bans::erase(Map::iterator at) {
  unwritten_.removed(at->first, at->second.written == Ban::Written::yes);
  set_written(at->second, Ban::Written::no);
  set_forced(at->first, false);
  bans_.erase(at);
}

void Bans::set_until(const Prefix& prefix, Ban& ban, std::uint64_t until_ns) {
  if (ban.until_ns == until_ns) return;
  if (ban.until_ns != 0) unwritten_.changed(prefix);
  ban.until_ns = until_ns;
  if (until_ns == FW_FOREVER) return;
  deadlines_.emplace(until_ns, prefix);
  if (deadlines_.size() > 2 * bans_.size() + kStaleDeadlines) drop_stale_deadlines();
}

void Bans::drop_stale_deadlines() {
  std::vector<Deadline> current;
  current.reserve(bans_.size());
  for (const auto& [prefix, ban] : bans_)
    if (ban.until_ns != FW_FOREVER) current.emplace_back(ban.until_ns, prefix);
  deadlines_ = Deadlines(std::greater<>(), std::move(current));
}

void Bans::close(Map::iterator at, std::string_view reason, const Now& now) {
  const Prefix prefix = at->first;
  const Ban ban = at->second;
  const Drops drops = this->drops(prefix, ban);
  entries_.erase(prefix, FW_ENTRY_BAN);
  // Otherwise the packets counted before the ban would ban the source again at its next packet.
  entries_.forget_source(prefix);
  erase(at);
  journal_.write(ended(ban.restricted), now, [&] {
    EventDetails details{prefix.text(), {Field::text("reason", reason)}};
    if (ban.by == BannedBy::limit)
      details.fields.push_back(Field::count("renewals", renewals(ban)));
    if (drops.observed == 0 || drops.dropped != 0)
      details.fields.push_back(Field::count("dropped", drops.dropped));
    if (drops.observed != 0) details.fields.push_back(Field::count("would_drop", drops.observed));
    return details;
  });
}

}  // namespace fw::engine
