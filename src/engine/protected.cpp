// SPDX-License-Identifier: MIT
#include "engine/protected.hpp"

#include <iterator>
#include <map>
#include <optional>

#include "engine/bans.hpp"

namespace fw::engine {

Result<void> Protected::set_exemptions(std::span<const Exemption> exemptions, const Now& now) {
  PrefixMap<std::string> wanted;
  for (const Exemption& exemption : exemptions)
    wanted[Prefix{.address = exemption.address, .bits = 128}] = exemption.why;

  for (const auto& [prefix, why] : exemptions_) {
    if (wanted.contains(prefix)) continue;
    marks_.erase(prefix, FW_MARK_EXEMPT);
    journal_.write(EventType::unexempt, now,
                   [&] { return Draft{prefix.text(), {Field::text("was", why)}}; });
  }
  for (const Prefix& prefix : std::exchange(left_over_, {}))
    if (!wanted.contains(prefix)) marks_.erase(prefix, FW_MARK_EXEMPT);

  const PrefixMap<std::string> before = std::exchange(exemptions_, std::move(wanted));
  std::optional<Error> first_error;
  for (const auto& [prefix, why] : exemptions_) {
    if (suspended(prefix)) continue;
    if (marks_.find(prefix, FW_MARK_EXEMPT) == nullptr) {
      Result<void> done = put(prefix, FW_MARK_EXEMPT, FW_FOREVER, now);
      if (!done && !first_error) first_error = done.error();
    }
    if (!before.contains(prefix))
      journal_.write(EventType::exempt, now,
                     [&] { return Draft{prefix.text(), {Field::text("why", why)}}; });
  }
  if (first_error) return std::unexpected(*first_error);
  return {};
}

Result<bool> Protected::allow(const Prefix& prefix, const Allowance& allowance, const Now& now) {
  const auto known = allowances_.find(prefix);
  if (known != allowances_.end() && known->second.until_ns >= allowance.until_ns) return false;
  if (Result<void> done = put(prefix, FW_MARK_ALLOW, allowance.until_ns, now); !done)
    return std::unexpected(done.error());
  if (known != allowances_.end()) deadlines_.erase({known->second.until_ns, prefix});
  allowances_[prefix] = allowance;
  deadlines_.emplace(allowance.until_ns, prefix);
  journal_.write(EventType::allow, now, [&] {
    Draft draft{prefix.text(), {Field::text("for", for_field(allowance.until_ns, now.mono_ns))}};
    if (!allowance.comment.empty())
      draft.fields.push_back(Field::text("comment", allowance.comment));
    return draft;
  });
  return true;
}

bool Protected::unallow(const Prefix& prefix, std::string_view reason, const Now& now) {
  const auto known = allowances_.find(prefix);
  if (known == allowances_.end()) return false;
  marks_.erase(prefix, FW_MARK_ALLOW);
  deadlines_.erase({known->second.until_ns, prefix});
  allowances_.erase(known);
  journal_.write(EventType::unallow, now,
                 [&] { return Draft{prefix.text(), {Field::text("reason", reason)}}; });
  return true;
}

void Protected::expire(const Now& now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now.mono_ns) {
    const Prefix prefix = deadlines_.begin()->second;
    unallow(prefix, "expired", now);
  }
}

void Protected::adopt(const fw_mark& mark, const Now& now) {
  const Prefix prefix = prefix_of(mark);
  if (mark.kind == FW_MARK_EXEMPT) {
    left_over_.insert(prefix);
  } else if (const std::uint64_t until = until_ns(mark); until > now.mono_ns) {
    allowances_[prefix] = {.until_ns = until, .comment = {}};
    deadlines_.emplace(until, prefix);
  }
}

std::size_t Protected::sync(const Now& now) {
  std::size_t repairs = 0;
  for (const auto& [prefix, why] : exemptions_)
    repairs += sync_one(prefix, FW_MARK_EXEMPT, FW_FOREVER, now) ? 1 : 0;
  for (const auto& [prefix, allowance] : allowances_)
    repairs += sync_one(prefix, FW_MARK_ALLOW, allowance.until_ns, now) ? 1 : 0;
  return repairs;
}

bool Protected::wants(const fw_mark& mark) const {
  const Prefix prefix = prefix_of(mark);
  if (mark.kind == FW_MARK_EXEMPT && left_over_.contains(prefix)) return true;
  if (suspended(prefix)) return false;
  return mark.kind == FW_MARK_EXEMPT ? exemptions_.contains(prefix) : allowances_.contains(prefix);
}

bool Protected::sync_one(const Prefix& prefix, std::uint8_t kind, std::uint64_t until,
                         const Now& now) {
  const fw_mark* mark = marks_.find(prefix, kind);
  const bool there = mark != nullptr && until_ns(*mark) >= until;
  const bool wanted = until > now.mono_ns && !suspended(prefix);
  if (wanted == (wanted ? there : mark != nullptr)) return false;
  if (!wanted) {
    marks_.erase(prefix, kind);
    return true;
  }
  return put(prefix, kind, until, now).has_value();
}

Result<void> Protected::put(const Prefix& prefix, std::uint8_t kind, std::uint64_t until,
                            const Now& now) {
  fw_mark mark{};
  mark.addr = prefix.address.key();
  mark.prefix_bits = static_cast<fw_u8>(prefix.bits);
  mark.kind = kind;
  mark.since_ns = now.mono_ns;
  mark.until_ns = until;
  return marks_.put(mark, now.mono_ns);
}

}  // namespace fw::engine
