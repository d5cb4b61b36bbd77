// SPDX-License-Identifier: MIT
// The orders that edit allow files. Files are edited and read again beside the event loop; bans end
// when the lists come into force.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <utility>

#include "engine/enforce/access_control.hpp"
#include "lists/list_edit.hpp"
#include "lists/list_file.hpp"

namespace fw::engine {

struct ListEdit {
  std::vector<Prefix> prefixes;
  std::string name, comment;  // of the file to add to, as it is configured; what is added
  ListJob job;
  bool may_accept = false;  // no file is stale: then what is removed may be all that a file had

  Result<void> edited;
  std::set<Prefix> changed{};  // added to a file, or removed from one
  Result<ReadyLists> ready = fail("not read yet");

  void add() {
    const auto added = lists::add_entries(job.folder / name, prefixes, comment);
    if (!added) {
      edited = std::unexpected(added.error());
      return;
    }
    changed.insert(added->begin(), added->end());
    ready = prepare(job);
  }

  void remove() {
    for (const std::filesystem::path& file : lists::expand(job.names.allow, job.folder)) {
      const auto gone = lists::remove_entries(file, prefixes);
      if (!gone) {
        edited = std::unexpected(gone.error());
        return;
      }
      if (!gone->empty() && may_accept) job.accepted.files.insert(file);
      changed.insert(gone->begin(), gone->end());
    }
    if (!changed.empty()) ready = prepare(job);
  }
};

Result<Deferred<Result<Outcomes>>> AccessControl::allow(std::span<const Prefix> prefixes,
                                                        const std::string& comment,
                                                        const Now& now) {
  if (Result<void> allowable = check_allowable(prefixes); !allowable)
    return std::unexpected(allowable.error());
  const std::vector<std::string>& files = settings_.config.lists.allow;
  if (files.empty() || files.front().find_first_of("*?[") != std::string::npos)
    return fail(
        ErrorKind::refused,
        "the first of lists.allow in floodwall.toml must be a plain file name to add to; or "
        "allow for a while, with --for");
  ListEdit edit{.prefixes = {prefixes.begin(), prefixes.end()},
                .name = files.front(),
                .comment = comment,
                .job = list_job(settings_.config.lists, {}, now),
                .edited = {}};
  // The forced bans inside end, so they are not cut out.
  for (const Prefix& prefix : prefixes)
    std::erase_if(edit.job.limits.forced_bans,
                  [&](const auto& ban) { return prefix.contains(ban.first); });
  return defer<Result<Outcomes>>(
      std::move(edit), [](ListEdit& work) { work.add(); },
      [this](ListEdit& done, const Now& then) { return finish_allow(done, then); });
}

Result<Outcomes> AccessControl::finish_allow(ListEdit& edit, const Now& now) {
  const std::vector<Prefix>& prefixes = edit.prefixes;
  if (!edit.edited) return std::unexpected(edit.edited.error());
  if (!edit.ready) return std::unexpected(edit.ready.error());
  for (const Prefix& prefix : prefixes) lift_bans_inside(prefix, "allowed", now);
  if (Result<void> used = use_lists(std::move(*edit.ready), now); !used)
    return std::unexpected(used.error());
  update_suspensions(now);
  for (const Prefix& prefix : prefixes)
    if (lists_.set().allow.covering(prefix) == nullptr)
      return fail(fmt::format("{} was added to {}, but it is not in force: {}", prefix.text(),
                              edit.name, fmt::join(lists_.set().problems, "; ")));

  Outcomes outcomes;
  outcomes.reserve(prefixes.size());
  for (const Prefix& prefix : prefixes) {
    const bool changed = edit.changed.contains(prefix);
    outcomes.push_back({.prefix = prefix,
                        .changed = changed,
                        .message = fmt::format(
                            "{} (in {})", changed ? "allowed" : "was allowed already", edit.name)});
    if (changed)
      journal_.write(EventType::allow, now, [&] {
        EventDetails details{prefix.text(), {Field::text("for", "forever")}};
        details.fields.push_back(Field::text("list", edit.name));
        if (!edit.comment.empty()) details.fields.push_back(Field::text("comment", edit.comment));
        return details;
      });
  }
  return outcomes;
}

Result<Deferred<Result<Outcomes>>> AccessControl::unallow(std::span<const Prefix> prefixes,
                                                          bool strict, const Now& now) {
  const auto is_listed = [&](const Prefix& prefix) {
    const ListEntry* entry = lists_.set().allow.covering(prefix);
    return entry != nullptr && lists::range_text(entry->first, entry->last) == prefix.text();
  };
  if (strict)
    for (const Prefix& prefix : prefixes)
      if (!protected_.allowances().contains(prefix) && !is_listed(prefix))
        return fail(fmt::format("{} is not on an allow list by itself (nothing was changed)",
                                prefix.text()));

  ListEdit edit{.prefixes = {prefixes.begin(), prefixes.end()},
                .name = {},
                .comment = {},
                .job = list_job(settings_.config.lists, {}, now),
                .may_accept = lists_.set().stale.empty(),
                .edited = {}};
  return defer<Result<Outcomes>>(
      std::move(edit), [](ListEdit& work) { work.remove(); },
      [this](ListEdit& done, const Now& then) { return finish_unallow(done, then); });
}

Result<Outcomes> AccessControl::finish_unallow(ListEdit& edit, const Now& now) {
  const std::vector<Prefix>& prefixes = edit.prefixes;
  if (!edit.edited) return std::unexpected(edit.edited.error());
  if (!edit.changed.empty()) {
    if (!edit.ready) return std::unexpected(edit.ready.error());
    if (Result<void> used = use_lists(std::move(*edit.ready), now); !used)
      return std::unexpected(used.error());
  }

  Outcomes outcomes;
  outcomes.reserve(prefixes.size());
  for (const Prefix& prefix : prefixes) {
    const bool listed = edit.changed.contains(prefix);
    if (listed)
      journal_.write(EventType::unallow, now, [&] {
        return EventDetails{prefix.text(), {Field::text("reason", "operator")}};
      });
    const bool changed = protected_.unallow(prefix, "operator", now) || listed;
    std::string message = changed ? "no longer allowed" : "was not allowed";
    if (const ListEntry* entry = lists_.set().allow.covering(prefix))
      message =
          fmt::format("still allowed by {} ({})", lists::range_text(entry->first, entry->last),
                      lists_.set().allow.place_of(*entry));
    outcomes.push_back({.prefix = prefix, .changed = changed, .message = std::move(message)});
  }
  return outcomes;
}

}  // namespace fw::engine
