// SPDX-License-Identifier: MIT
#include "engine/enforce/protected.hpp"

#include <fmt/format.h>

#include <utility>

#include "datapath/address_key.hpp"
#include "engine/enforce/bans.hpp"

namespace fw::engine {

Result<void> Protected::set_exemptions(std::span<const Exemption> exemptions, const Now& now) {
  PrefixMap<std::string> wanted;
  own_.clear();
  for (const Exemption& exemption : exemptions) {
    const Prefix prefix{.address = exemption.address, .bits = 128};
    wanted[prefix] = exemption.why;
    if (exemption.own) own_.insert(prefix);
  }

  for (const auto& old : exemptions_) {
    if (wanted.contains(old.first)) continue;
    entries_.erase(old.first, FW_ENTRY_EXEMPT);
    journal_.write(EventType::unexempt, now, [&] {
      return EventDetails{old.first.text(), {Field::text("was", old.second)}};
    });
  }
  for (const Prefix& prefix : std::exchange(inherited_, {}))
    if (!wanted.contains(prefix)) entries_.erase(prefix, FW_ENTRY_EXEMPT);

  for (const auto& exemption : wanted)
    if (!exemptions_.contains(exemption.first))
      journal_.write(EventType::exempt, now, [&] {
        return EventDetails{exemption.first.text(), {Field::text("why", exemption.second)}};
      });
  exemptions_ = std::move(wanted);
  sync(now);
  for (const auto& exemption : exemptions_)
    if (is_exempt(exemption.first) && entries_.find(exemption.first, FW_ENTRY_EXEMPT) == nullptr)
      return fail(
          fmt::format("{} ({}): no room for its exemption: raise tables.bans in "
                      "floodwall.toml and restart floodwalld",
                      exemption.first.text(), exemption.second));
  return {};
}

Result<bool> Protected::allow(const Prefix& prefix, const Allowance& allowance, const Now& now) {
  const auto known = allowances_.find(prefix);
  if (known != allowances_.end() && known->second.until_ns >= allowance.until_ns) return false;
  if (!is_exempt(prefix))
    if (Result<void> done = put(prefix, FW_ENTRY_ALLOW, allowance.until_ns, now); !done)
      return std::unexpected(done.error());
  if (known != allowances_.end()) deadlines_.erase({known->second.until_ns, prefix});
  allowances_[prefix] = allowance;
  deadlines_.emplace(allowance.until_ns, prefix);
  unwritten_.changed(prefix);
  journal_.write(EventType::allow, now, [&] {
    EventDetails details{prefix.text(),
                         {Field::text("for", for_field(allowance.until_ns, now.mono_ns))}};
    if (!allowance.comment.empty())
      details.fields.push_back(Field::text("comment", allowance.comment));
    return details;
  });
  return true;
}

bool Protected::unallow(const Prefix& prefix, std::string_view reason, const Now& now) {
  const auto known = allowances_.find(prefix);
  if (known == allowances_.end()) return false;
  entries_.erase(prefix, FW_ENTRY_ALLOW);
  deadlines_.erase({known->second.until_ns, prefix});
  allowances_.erase(known);
  unwritten_.removed(prefix, true);
  journal_.write(EventType::unallow, now,
                 [&] { return EventDetails{prefix.text(), {Field::text("reason", reason)}}; });
  return true;
}

void Protected::expire(const Now& now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now.mono_ns) {
    const Prefix prefix = deadlines_.begin()->second;
    unallow(prefix, "expired", now);
  }
}

void Protected::adopt(const fw_entry& entry, const Now& now) {
  const Prefix prefix = prefix_of(entry);
  if (entry.kind == FW_ENTRY_EXEMPT) {
    inherited_.insert(prefix);
  } else if (const std::uint64_t until = until_ns(entry); until > now.mono_ns) {
    allowances_[prefix] = {.until_ns = until, .comment = {}};
    deadlines_.emplace(until, prefix);
    unwritten_.changed(prefix);
  }
}

std::size_t Protected::sync(const Now& now) {
  std::size_t repairs = 0;
  for (const auto& exemption : exemptions_)
    repairs += sync_one(exemption.first, FW_ENTRY_EXEMPT, FW_FOREVER, now) ? 1 : 0;
  for (const auto& allowance : allowances_)
    repairs += sync_one(allowance.first, FW_ENTRY_ALLOW, allowance.second.until_ns, now) ? 1 : 0;
  return repairs;
}

bool Protected::wants(const fw_entry& entry) const {
  const Prefix prefix = prefix_of(entry);
  if (entry.kind == FW_ENTRY_EXEMPT) return inherited_.contains(prefix) || is_exempt(prefix);
  return allowances_.contains(prefix) && !is_exempt(prefix) && !suspended(prefix);
}

bool Protected::sync_one(const Prefix& prefix, std::uint8_t kind, std::uint64_t until,
                         const Now& now) {
  const bool wanted =
      until > now.mono_ns && !suspended(prefix) && (kind == FW_ENTRY_EXEMPT || !is_exempt(prefix));
  const fw_entry* entry = entries_.find(prefix, kind);
  if (!wanted) {
    entries_.erase(prefix, kind);
    return entry != nullptr;
  }
  if (entry != nullptr && until_ns(*entry) >= until && entry->metric == flags_of(prefix, kind))
    return false;
  return put(prefix, kind, until, now).has_value();
}

std::uint8_t Protected::flags_of(const Prefix& prefix, std::uint8_t kind) const {
  return kind == FW_ENTRY_EXEMPT && own_.contains(prefix) ? FW_ENTRY_OWN : 0;
}

Result<void> Protected::put(const Prefix& prefix, std::uint8_t kind, std::uint64_t until,
                            const Now& now) {
  fw_entry entry{};
  entry.addr = key_of(prefix.address);
  entry.prefix_bits = static_cast<fw_u8>(prefix.bits);
  entry.kind = kind;
  entry.metric = flags_of(prefix, kind);
  entry.since_ns = now.mono_ns;
  entry.until_ns = until;
  return entries_.put(entry, now.mono_ns);
}

}  // namespace fw::engine
