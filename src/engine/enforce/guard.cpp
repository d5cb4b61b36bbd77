// SPDX-License-Identifier: MIT
#include "engine/enforce/guard.hpp"

#include <fmt/format.h>

#include <string_view>

#include "lists/list_file.hpp"

namespace fw::engine {
namespace {

std::optional<std::string> special(const Prefix& prefix) {
  for (const SpecialRange& range : special_ranges())
    if (prefix.contains(range.prefix.address))
      return fmt::format("{} {} {}: it is never the source of a ban, not even with --force",
                         prefix.text(), prefix.is_single() ? "is" : "contains", range.name);
  if (is_special(prefix.address))
    return fmt::format(
        "{} is loopback, multicast or link-local: it is never the source of a ban, not even with "
        "--force",
        prefix.text());
  return std::nullopt;
}

constexpr std::string_view kForceHint = "Use --force to ban it anyway.";

}  // namespace

std::optional<std::string> objection(const Prefix& prefix, const Protected& protected_entries,
                                     const ListTable& allow_list, bool force) {
  if (prefix.bits == 0) return fmt::format("{} is every IPv6 address", prefix.text());
  if (auto sentence = special(prefix)) return sentence;
  if (force) return std::nullopt;

  std::optional<std::string> sentence;
  for_each_inside(protected_entries.exemptions(), prefix, [&](const auto& exemption) {
    if (sentence || protected_entries.suspended(exemption.first)) return;
    const std::string subject =
        prefix.is_single() ? prefix.text() + " is"
                           : fmt::format("{} contains {},", prefix.text(), exemption.first.text());
    sentence = fmt::format("{} {} (automatic exemption). {}", subject,
                           exemption_in_words(exemption.second), kForceHint);
  });
  if (sentence) return sentence;

  const auto& allowances = protected_entries.allowances();
  const auto covering = find_covering(allowances, prefix);
  if (covering != allowances.end() && !protected_entries.suspended(covering->first))
    return fmt::format("{} is allowed for now (by {}). floodwall unallow {} first, or: {}",
                       prefix.text(), covering->first.text(), covering->first.text(), kForceHint);
  for_each_inside(allowances, prefix, [&](const auto& allowance) {
    if (!sentence && !protected_entries.suspended(allowance.first))
      sentence = fmt::format("{} contains {}, which is allowed for now. {}", prefix.text(),
                             allowance.first.text(), kForceHint);
  });
  if (sentence || protected_entries.suspended(prefix)) return sentence;

  if (const ListEntry* entry = allow_list.touching(prefix))
    return fmt::format("{} is on the allow list ({} in {}), and allow wins over a ban. {}",
                       prefix.text(), lists::range_text(entry->first, entry->last),
                       allow_list.place_of(*entry), kForceHint);
  return std::nullopt;
}

std::string exemption_in_words(const std::string& why) {
  std::string words = why;
  for (std::size_t at = words.find(", "); at != std::string::npos; at = words.find(", ", at))
    words.replace(at, 2, " and ");
  return words.starts_with("this ") ? words : "your " + words;
}

}  // namespace fw::engine
