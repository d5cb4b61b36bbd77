// SPDX-License-Identifier: MIT
#include "engine/enforce/access_control.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/words.hpp"
#include "engine/enforce/guard.hpp"
#include "lists/list_file.hpp"

namespace fw::engine {
namespace {

std::string span_in_words(std::uint64_t until_ns, const Now& now) {
  if (until_ns == FW_FOREVER) return "until it is unbanned";
  return fmt::format("for {}, until {}", duration_in_words(until_ns - now.mono_ns),
                     time_in_words(wall_at(now, until_ns), now));
}

// A ban's bucket is prefetched so many bans ahead: judgement, enough to hide a cache miss.
constexpr std::size_t kPrefetchAhead = 8;

std::uint8_t policy_mode(Mode mode) {
  switch (mode) {
    case Mode::off:
      return FW_MODE_OFF;
    case Mode::observe:
      return FW_MODE_OBSERVE;
    case Mode::enforce:
      return FW_MODE_ENFORCE;
  }
  return FW_MODE_OFF;
}

std::string banned_in_words(const Bans::Ordered& made, Mode mode, const Now& now) {
  std::string words = fmt::format("{} {}", made.changed ? "banned" : "was banned already",
                                  span_in_words(made.until_ns, now));
  if (made.explained) words += "; the reason is noted";
  if (mode != Mode::enforce)
    words += fmt::format("; nothing is dropped while the mode is {}", word(mode));
  return words;
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

AccessControl::AccessControl(datapath::Datapath& datapath, Journal& journal,
                             const Settings& settings, std::filesystem::path folder)
    : journal_(journal),
      settings_(settings),
      folder_(std::move(folder)),
      config_(datapath),
      entries_(datapath, config_),
      bans_(entries_, journal, offences_, settings),
      protected_(entries_, journal, bans_.forced()),
      lists_(datapath, journal),
      audit_(entries_, bans_, protected_, journal) {}

// ------------------------------------------------------------------- start and change

void AccessControl::adopt(const Now& now) {
  for (const fw_entry& entry : entries_.slots()) {
    if (until_ns(entry) <= now.mono_ns) continue;
    if (entry.kind == FW_ENTRY_BAN)
      bans_.adopt(entry, now);
    else
      protected_.adopt(entry, now);
  }
}

Result<void> AccessControl::set_own(std::vector<OwnPrefix> own, const Now& now) {
  return lists_.set_own(std::move(own), bans_.forced(), now);
}

Result<void> AccessControl::use_lists(ReadyLists lists, const Now& now) {
  if (Result<void> used = lists_.use(std::move(lists), bans_.forced(), now); !used) return used;
  lift_bans_of_the_allowed(now);
  return {};
}

Result<void> AccessControl::load_lists(const Now& now, const lists::Accepted& accepted) {
  Result<ReadyLists> ready = prepare(list_job(settings_.config.lists, accepted, now));
  if (!ready) return std::unexpected(std::move(ready.error()));
  if (Result<void> used = use_lists(std::move(*ready), now); !used) return used;
  lists_.set_kept_problem(keep_versions(lists_.kept(), lists_.take_rest().versions));
  return {};
}

Result<void> AccessControl::set_exemptions(std::span<const Exemption> exemptions, const Now& now) {
  for (const Exemption& exemption : exemptions) {
    const auto ban = bans_.all().find({.address = exemption.address, .bits = 128});
    if (ban == bans_.all().end() || ban->second.forced) continue;
    const Prefix prefix = ban->first;
    bans_.lift(prefix, "exempt", now);
  }
  return protected_.set_exemptions(exemptions, now);
}

Result<void> AccessControl::configure(const config::Compiled& compiled, Mode mode) {
  return config_.publish(compiled, policy_mode(mode), entries_.lengths());
}

void AccessControl::move_to(datapath::Datapath& datapath) {
  config_.move_to(datapath);
  entries_.move_to(datapath);
  lists_.move_to(datapath);
}

Result<void> AccessControl::fill(const Now& now) {
  std::vector<Prefix> prefixes;
  for (const auto& [prefix, ban] : bans_.all()) prefixes.push_back(prefix);
  for (const auto& [prefix, allowance] : protected_.allowances()) prefixes.push_back(prefix);
  if (Result<void> done = entries_.list_lengths(prefixes); !done) return done;
  if (Result<void> done = bans_.refill(now); !done) return done;
  protected_.sync(now);
  return lists_.publish(bans_.forced());
}

void AccessControl::tick(const Now& now) {
  bans_.expire(now);
  protected_.expire(now);
  update_suspensions(now);
  lists_.expire(bans_.forced(), now);
  audit_.run(now);
  entries_.drop_unused();
}

void AccessControl::update_suspensions(const Now& now) {
  if (std::exchange(forced_changes_, bans_.forced_changes()) == bans_.forced_changes()) return;
  protected_.sync(now);
  if (const Result<void> published = lists_.cut_out(bans_.forced()); !published)
    journal_.write(EventType::reload_failed, now,
                   [&] { return failure_details("lists", published.error()); });
}

void AccessControl::lift_bans_inside(const Prefix& prefix, std::string_view reason,
                                     const Now& now) {
  std::vector<Prefix> inside;
  for_each_inside(bans_.all(), prefix, [&](const auto& ban) { inside.push_back(ban.first); });
  for (const Prefix& banned : inside) bans_.lift(banned, reason, now);
}

void AccessControl::lift_bans_of_the_allowed(const Now& now) {
  const ListTable& allow = lists_.set().allow;
  if (allow.entries().empty()) return;
  std::vector<Prefix> allowed;
  for (const auto& [prefix, ban] : bans_.all())
    if (!ban.forced && allow.covering(prefix) != nullptr) allowed.push_back(prefix);
  for (const Prefix& prefix : allowed) bans_.lift(prefix, "allowed", now);
}

// ------------------------------------------------------------------- orders

Result<Outcomes> AccessControl::ban(std::span<const Prefix> prefixes, const BanOrder& order,
                                    const Now& now) {
  for (const Prefix& prefix : prefixes)
    if (auto sentence = objection(prefix, protected_, lists_.set().allow, order.force))
      return fail(ErrorKind::refused, std::move(*sentence));
  if (Result<void> listed = entries_.list_lengths(prefixes); !listed)
    return std::unexpected(listed.error());

  const Bans::Order to_make{.until_ns = deadline_ns(now.mono_ns, order.span_ns),
                            .reason = order.reason,
                            .forced = order.force,
                            .restricted = order.restricted};
  Outcomes outcomes;
  outcomes.reserve(prefixes.size());
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    const Prefix& prefix = prefixes[i];
    if (i + kPrefetchAhead < prefixes.size()) entries_.prefetch(prefixes[i + kPrefetchAhead]);
    const Result<Bans::Ordered> made = bans_.order(prefix, to_make, now);
    if (!made) {
      update_suspensions(now);
      return fail(fmt::format("{} ({} of {} were banned)", made.error().message, outcomes.size(),
                              prefixes.size()));
    }
    outcomes.push_back(
        {.prefix = prefix,
         .changed = made->changed || made->explained,
         .message = order.brief ? std::string() : banned_in_words(*made, settings_.mode, now)});
  }
  update_suspensions(now);
  return outcomes;
}

// A ban of more than was asked for stays, unless it is that of the source which has the address.
Result<void> AccessControl::check_unbannable(std::span<const Prefix> prefixes) const {
  for (const Prefix& prefix : prefixes)
    for (const Prefix& banned : bans_about(bans_.all(), prefix)) {
      const unsigned source_bits = prefix.is_v4() ? 128 : settings_.config.ban.prefix_v6;
      if (banned.bits >= prefix.bits || banned.bits == source_bits) continue;
      std::string sentence = fmt::format(
          "{} is inside {}, which is banned as a whole (nothing was unbanned). To let "
          "all of it in: floodwall unban {}",
          prefix.text(), banned.text(), banned.text());
      if (!bans_.all().at(banned).forced)  // else allow is refused, too
        sentence += fmt::format(". To let in only {0}: floodwall allow {0} (--for 1h, for a while)",
                                prefix.text());
      return fail(ErrorKind::refused, std::move(sentence));
    }
  return {};
}

Result<Outcomes> AccessControl::unban(std::span<const Prefix> prefixes, bool strict,
                                      const Now& now) {
  bans_.expire(now);
  if (Result<void> unbannable = check_unbannable(prefixes); !unbannable)
    return std::unexpected(unbannable.error());
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
    if (const ListEntry* entry = lists_.set().deny.touching(prefix))
      message +=
          fmt::format("; the deny list still drops it ({})", lists_.set().deny.place_of(*entry));
    outcomes.push_back(
        {.prefix = prefix, .changed = !found.empty(), .message = std::move(message)});
  }
  update_suspensions(now);
  return outcomes;
}

Outcomes AccessControl::unban_all(const Now& now) {
  bans_.expire(now);
  Outcomes outcomes;
  outcomes.reserve(bans_.all().size());
  while (!bans_.all().empty()) {
    const Prefix prefix = bans_.all().begin()->first;
    bans_.lift(prefix, "operator", now);
    outcomes.push_back({.prefix = prefix, .changed = true, .message = "unbanned"});
  }
  update_suspensions(now);
  return outcomes;
}

Result<Outcomes> AccessControl::allow_for(std::span<const Prefix> prefixes, std::uint64_t span_ns,
                                          const std::string& comment, const Now& now) {
  if (Result<void> allowable = check_allowable(prefixes); !allowable)
    return std::unexpected(allowable.error());
  if (Result<void> listed = entries_.list_lengths(prefixes); !listed)
    return std::unexpected(listed.error());
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
  update_suspensions(now);
  return outcomes;
}

Result<void> AccessControl::check_allowable(std::span<const Prefix> prefixes) const {
  for (const Prefix& prefix : prefixes) {
    if (prefix.bits == 0 || (prefix.is_v4() && prefix.bits == 96))
      return fail(ErrorKind::refused,
                  fmt::format("{} is every {} address: floodwall mode off says it plainly",
                              prefix.text(), prefix.is_v4() ? "IPv4" : "IPv6"));
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
