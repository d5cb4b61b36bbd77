// SPDX-License-Identifier: MIT
// What of bans, allowances and offences outlives the daemon, and the tables of a former one.
#include <algorithm>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/enforce/access_control.hpp"
#include "engine/enforce/kept_bans.hpp"

namespace fw::engine {
namespace {

template <typename What>
struct Found {
  Prefix prefix;
  What what;
};

template <typename What, typename Read>
std::vector<Found<What>> read(const KeptRows& rows, std::string_view kind, Restored& restored,
                              Read read_one) {
  std::vector<Found<What>> found;
  for (const KeptRow& row : rows) {
    if (!name_of(row.name, kind)) continue;
    const auto prefix = prefix_named(row, kind);
    const auto text = prefix ? KeptText::parse(row) : std::nullopt;
    if (text)
      found.push_back({*prefix, read_one(*text)});
    else
      ++restored.unreadable;
  }
  return found;
}

// Lists the lengths of all, or of as many as the datapath can look up; the others are left out.
template <typename What>
void list_lengths(AccessTable& entries, std::vector<Found<What>>& found, Restored& restored) {
  std::vector<Prefix> prefixes;
  prefixes.reserve(found.size());
  for (const auto& each : found) prefixes.push_back(each.prefix);
  if (entries.list_lengths(prefixes)) return;
  restored.no_room += std::erase_if(
      found, [&](const auto& each) { return !entries.list_lengths(std::span(&each.prefix, 1)); });
}

}  // namespace

void AccessControl::take_over(std::span<const fw_entry> entries, std::uint64_t since_ns,
                              const Now& now) {
  for (const fw_entry& entry : entries) {
    const std::uint64_t until = until_ns(entry);
    // Exemptions are found anew.
    if (until <= now.mono_ns || entry.kind == FW_ENTRY_EXEMPT) continue;
    const Prefix prefix = prefix_of(entry);
    const fw_entry* known = entries_.find(prefix, entry.kind);
    const bool renewed = known != nullptr && until_ns(*known) < until;
    if (known == nullptr ? entry.since_ns <= since_ns : !renewed) continue;
    // No room, or one length too many: as few as it is, the others are in force.
    if (!entries_.list_lengths(std::span(&prefix, 1))) continue;
    if (renewed)
      entries_.move_end(prefix, entry.kind, until);
    else if (!entries_.put(entry, now.mono_ns))
      continue;
    if (entry.kind == FW_ENTRY_BAN)
      bans_.adopt(entry, now);
    else
      protected_.adopt(entry, now);
  }
}

void AccessControl::restore(const KeptRows& rows, const KeptClock& clock, bool tables_tell,
                            const Now& now, Restored& restored) {
  offences_.restore(rows, clock, now, settings_.config.ban.memory, restored);

  auto allowances = read<Allowance>(
      rows, "allow", restored, [&](const KeptText& text) { return allowance_of(text, clock); });
  list_lengths(entries_, allowances, restored);
  for (auto& [prefix, allowance] : allowances)
    if (!protected_.restore(prefix, std::move(allowance), tables_tell, now)) ++restored.no_room;
  restored.allowances = protected_.allowances().size();

  auto bans = read<Ban>(rows, "ban", restored,
                        [&](const KeptText& text) { return ban_of(text, clock, settings_, now); });
  // Where there is no room for all, the operator's and the longest come first.
  std::ranges::stable_sort(bans, [](const auto& a, const auto& b) {
    return std::pair(a.what.by != BannedBy::operator_, b.what.until_ns) <
           std::pair(b.what.by != BannedBy::operator_, a.what.until_ns);
  });
  list_lengths(entries_, bans, restored);
  for (auto& [prefix, ban] : bans) {
    const Bans::Kept kept = bans_.restore(prefix, std::move(ban), tables_tell, now);
    restored.no_room += kept == Bans::Kept::no_room ? 1 : 0;
    if (kept == Bans::Kept::ended) bans_.forget_row(prefix);
  }
  restored.bans = bans_.all().size();
}

void AccessControl::take_changes(std::size_t most, const KeptClock& clock, const Now& now,
                                 KeptRows& rows) {
  const std::size_t before = rows.size();
  const auto left = [&] { return most - std::min(most, rows.size() - before); };
  protected_.take_changes(left(), clock, rows);
  bans_.take_changes(left(), clock, now, rows);
  offences_.take_changes(left(), clock, rows);
}

void AccessControl::write_all() {
  bans_.write_all();
  protected_.write_all();
  offences_.write_all();
}

void AccessControl::slept(std::uint64_t span_ns, const Now& now) {
  offences_.slept(span_ns);
  bans_.slept(span_ns, now);
  protected_.slept(span_ns, now);
}

}  // namespace fw::engine
