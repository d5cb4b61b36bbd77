// SPDX-License-Identifier: MIT
// What the operator asks of the engine: ban, unban, allow, unallow. Everything that can be refused
// is refused before anything is done.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/words.hpp"
#include "engine/enforce/guard.hpp"
#include "engine/engine.hpp"
#include "lists/list_edit.hpp"
#include "lists/list_file.hpp"

namespace fw::engine {
namespace {

std::string span_in_words(std::uint64_t until_ns, const Now& now) {
  if (until_ns == FW_FOREVER) return "until it is unbanned";
  return fmt::format("for {}, until {}", duration_in_words(until_ns - now.mono_ns),
                     time_in_words(wall_at(now, until_ns), now));
}

// So many entries ahead of its own a place in their table is asked for.
constexpr std::size_t kAhead = 8;

std::string banned_in_words(const Bans::Ordered& made, const Now& now) {
  return fmt::format("{} {}", made.changed ? "banned" : "was banned already",
                     span_in_words(made.until_ns, now));
}

// Every ban that an unban of `prefix` ends: those around it and those inside.
std::vector<Prefix> bans_about(const PrefixMap<Ban>& bans, const Prefix& prefix) {
  std::vector<Prefix> found;
  Prefix key = prefix;
  for (auto at = find_covering(bans, key); at != bans.end(); at = find_covering(bans, key)) {
    found.push_back(at->first);
    if (at->first.bits == 0) break;
    key = {.address = masked(at->first.address, at->first.bits - 1), .bits = at->first.bits - 1};
  }
  for_each_inside(bans, prefix, [&](const auto& ban) {
    if (ban.first != prefix) found.push_back(ban.first);
  });
  return found;
}

std::string unbanned_in_words(const Prefix& prefix, const std::vector<Prefix>& lifted) {
  if (lifted.empty()) return "was not banned";
  if (lifted.size() == 1 && lifted.front() == prefix) return "unbanned";
  if (lifted.size() > 3)
    return fmt::format("unbanned, with {} bans around or inside it", lifted.size());
  std::vector<std::string> names;
  names.reserve(lifted.size());
  for (const Prefix& one : lifted) names.push_back(one.text());
  return fmt::format("unbanned {}", fmt::join(names, ", "));
}

}  // namespace

Result<Outcomes> Engine::ban(std::span<const Prefix> prefixes, const BanOrder& order,
                             const Now& now) {
  drain_events(now);
  for (const Prefix& prefix : prefixes)
    if (auto sentence = objection(prefix, protected_, lists_.allow, order.force))
      return fail(ErrorKind::refused, std::move(*sentence));
  if (Result<void> admitted = entries_.admit(prefixes); !admitted)
    return std::unexpected(admitted.error());

  const Bans::Order to_make{.until_ns = deadline_ns(now.mono_ns, order.span_ns),
                            .reason = order.reason,
                            .forced = order.force};
  Outcomes outcomes;
  outcomes.reserve(prefixes.size());
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    const Prefix& prefix = prefixes[i];
    if (i + kAhead < prefixes.size()) entries_.prefetch(prefixes[i + kAhead]);
    const Result<Bans::Ordered> made = bans_.order(prefix, to_make, now);
    if (!made) {
      follow_forced_bans(now);
      return fail(fmt::format("{} ({} of {} were banned)", made.error().message, outcomes.size(),
                              prefixes.size()));
    }
    outcomes.push_back({.prefix = prefix,
                        .changed = made->changed,
                        .message = order.brief ? std::string() : banned_in_words(*made, now)});
  }
  follow_forced_bans(now);
  return outcomes;
}

Result<Outcomes> Engine::unban(std::span<const Prefix> prefixes, bool strict, const Now& now) {
  drain_events(now);
  bans_.expire(now);
  if (strict)
    for (const Prefix& prefix : prefixes)
      if (bans_about(bans_.all(), prefix).empty())
        return fail(fmt::format("{} is not banned (nothing was unbanned)", prefix.text()));

  Outcomes outcomes;
  outcomes.reserve(prefixes.size());
  for (const Prefix& prefix : prefixes) {
    const std::vector<Prefix> found = bans_about(bans_.all(), prefix);
    for (const Prefix& banned : found) bans_.lift(banned, "operator", now);
    std::string message = unbanned_in_words(prefix, found);
    if (const ListEntry* entry = lists_.deny.touching(prefix))
      message += fmt::format("; the deny list still drops it ({})", lists_.deny.place_of(*entry));
    outcomes.push_back(
        {.prefix = prefix, .changed = !found.empty(), .message = std::move(message)});
  }
  follow_forced_bans(now);
  return outcomes;
}

Outcomes Engine::unban_all(const Now& now) {
  drain_events(now);
  bans_.expire(now);
  Outcomes outcomes;
  outcomes.reserve(bans_.all().size());
  while (!bans_.all().empty()) {
    const Prefix prefix = bans_.all().begin()->first;
    bans_.lift(prefix, "operator", now);
    outcomes.push_back({.prefix = prefix, .changed = true, .message = "unbanned"});
  }
  follow_forced_bans(now);
  return outcomes;
}

Result<Outcomes> Engine::allow(std::span<const Prefix> prefixes, const std::string& comment,
                               const Now& now) {
  drain_events(now);
  if (Result<void> allowable = check_allowable(prefixes); !allowable)
    return std::unexpected(allowable.error());
  const std::vector<std::string>& files = settings_.config.lists.allow;
  if (files.empty() || files.front().find_first_of("*?[") != std::string::npos)
    return fail(
        ErrorKind::refused,
        "the first of lists.allow in floodwall.toml must be a plain file name to add to; or "
        "allow for a while, with --for");
  Result<std::vector<Prefix>> added =
      lists::add_entries(folder_ / files.front(), prefixes, comment);
  if (!added) return std::unexpected(added.error());

  // Forced bans must be gone before the image is built: they are cut out of it.
  for (const Prefix& prefix : prefixes) lift_bans_inside(prefix, "allowed", now);
  follow_forced_bans(now);
  if (Result<void> loaded = load_lists(now); !loaded) return std::unexpected(loaded.error());

  const std::set<Prefix> fresh(added->begin(), added->end());
  Outcomes outcomes;
  outcomes.reserve(prefixes.size());
  for (const Prefix& prefix : prefixes) {
    const bool changed = fresh.contains(prefix);
    outcomes.push_back(
        {.prefix = prefix,
         .changed = changed,
         .message = fmt::format("{} (in {})", changed ? "allowed" : "was allowed already",
                                files.front())});
    if (changed)
      journal_.write(EventType::allow, now, [&] {
        Draft draft{prefix.text(), {Field::text("for", "forever")}};
        draft.fields.push_back(Field::text("list", files.front()));
        if (!comment.empty()) draft.fields.push_back(Field::text("comment", comment));
        return draft;
      });
  }
  return outcomes;
}

Result<Outcomes> Engine::allow_for(std::span<const Prefix> prefixes, std::uint64_t span_ns,
                                   const std::string& comment, const Now& now) {
  drain_events(now);
  if (Result<void> allowable = check_allowable(prefixes); !allowable)
    return std::unexpected(allowable.error());
  if (Result<void> admitted = entries_.admit(prefixes); !admitted)
    return std::unexpected(admitted.error());
  const std::uint64_t until = deadline_ns(now.mono_ns, span_ns);
  Outcomes outcomes;
  outcomes.reserve(prefixes.size());
  for (const Prefix& prefix : prefixes) {
    lift_bans_inside(prefix, "allowed", now);  // a prefix has one entry
    const Result<bool> done =
        protected_.allow(prefix, {.until_ns = until, .comment = comment}, now);
    if (!done)
      return fail(fmt::format("{} ({} of {} were allowed)", done.error().message, outcomes.size(),
                              prefixes.size()));
    const std::uint64_t end = protected_.allowances().at(prefix).until_ns;
    outcomes.push_back(
        {.prefix = prefix,
         .changed = *done,
         .message = fmt::format("{} until {}", *done ? "allowed" : "was allowed already",
                                time_in_words(wall_at(now, end), now))});
  }
  follow_forced_bans(now);
  return outcomes;
}

Result<Outcomes> Engine::unallow(std::span<const Prefix> prefixes, bool strict, const Now& now) {
  const auto is_listed = [&](const Prefix& prefix) {
    const ListEntry* entry = lists_.allow.covering(prefix);
    return entry != nullptr && lists::range_text(entry->first, entry->last) == prefix.text();
  };
  if (strict)
    for (const Prefix& prefix : prefixes)
      if (!protected_.allowances().contains(prefix) && !is_listed(prefix))
        return fail(fmt::format("{} is not on an allow list by itself (nothing was changed)",
                                prefix.text()));

  std::set<Prefix> removed;
  for (const std::filesystem::path& file : lists::expand(settings_.config.lists.allow, folder_)) {
    Result<std::vector<Prefix>> gone = lists::remove_entries(file, prefixes);
    if (!gone) return std::unexpected(gone.error());
    removed.insert(gone->begin(), gone->end());
  }
  if (!removed.empty())
    if (Result<void> loaded = load_lists(now); !loaded) return std::unexpected(loaded.error());

  Outcomes outcomes;
  outcomes.reserve(prefixes.size());
  for (const Prefix& prefix : prefixes) {
    const bool listed = removed.contains(prefix);
    if (listed)
      journal_.write(EventType::unallow, now,
                     [&] { return Draft{prefix.text(), {Field::text("reason", "operator")}}; });
    const bool changed = protected_.unallow(prefix, "operator", now) || listed;
    std::string message = changed ? "no longer allowed" : "was not allowed";
    if (const ListEntry* entry = lists_.allow.covering(prefix))
      message =
          fmt::format("still allowed by {} ({})", lists::range_text(entry->first, entry->last),
                      lists_.allow.place_of(*entry));
    outcomes.push_back({.prefix = prefix, .changed = changed, .message = std::move(message)});
  }
  return outcomes;
}

Result<void> Engine::check_allowable(std::span<const Prefix> prefixes) const {
  for (const Prefix& prefix : prefixes) {
    if (prefix.bits == 0)
      return fail(ErrorKind::refused,
                  fmt::format("{} is every IPv6 address: floodwall mode off says it plainly",
                              prefix.text()));
    const auto forced = find_covering(bans_.forced(), prefix);
    if (forced != bans_.forced().end() && forced->first != prefix)
      return fail(ErrorKind::refused,
                  fmt::format("{} is inside {}, which was banned with --force: floodwall unban {} "
                              "first",
                              prefix.text(), forced->first.text(), forced->first.text()));
  }
  return {};
}

}  // namespace fw::engine
