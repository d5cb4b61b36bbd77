// SPDX-License-Identifier: MIT
#include "engine/enforce/published_lists.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "datapath/datapath.hpp"

namespace fw::engine {
namespace {

// An image is built in about 1 us an entry. So that no more than a twentieth of a core goes into
// images, entries that end wait so long for each entry of the lists.
constexpr std::uint64_t kPerEntryNs = 20'000;
// Longer lists are not rebuilt in the loop: judgement, 20 ms of work.
constexpr std::size_t kFewEntries = 20'000;

std::size_t size_of(const ListSet& set) {
  return set.deny.entries().size() + set.allow.entries().size();
}

}  // namespace

void PublishedLists::move_to(datapath::Datapath& datapath) {
  datapath_ = &datapath;
  image_hash_ = 0;
}

ListJob PublishedLists::job(const config::Lists& names, const std::filesystem::path& folder,
                            const lists::Accepted& accepted, const PrefixMap<bool>& forced_bans,
                            const Now& now) const {
  return {.names = names,
          .folder = folder,
          .wall = now.wall,
          .kept = kept_,
          .accepted = accepted,
          .limits = {.own = own_, .forced_bans = forced_bans}};
}

Result<void> PublishedLists::use(ReadyLists ready, const PrefixMap<bool>& forced_bans,
                                 const Now& now) {
  const auto failed = [&](Error error) {
    journal_.write(EventType::reload_failed, now, [&] { return failure_details("lists", error); });
    return std::unexpected(std::move(error));
  };
  // The host's network may have changed while they were read.
  if (ready.limits.own != own_) {
    if (size_of(*ready.set) > kFewEntries) {
      wish_ = true;
    } else {
      Result<ReadyLists> again =
          prepare(std::move(*ready.set), {.own = own_, .forced_bans = forced_bans});
      if (!again) return failed(std::move(again.error()));
      ready = std::move(*again);
    }
  }
  const Result<bool> changed = publish_image(ready);
  if (!changed) return failed(changed.error());
  rest_.versions = std::exchange(ready.set->fresh, {});
  put(std::move(ready));
  used_ = now;
  log_problems(now);
  if (*changed)
    journal_.write(EventType::reload, now, [&] {
      return EventDetails{
          "",
          {Field::text("what", "lists"), Field::count("deny", set_->deny.entries().size()),
           Field::count("allow", set_->allow.entries().size())}};
    });
  return cut_out(forced_bans);
}

void PublishedLists::put(ReadyLists ready) {
  rest_.former = std::exchange(set_, std::move(ready.set));
  cut_ = std::move(ready.limits.forced_bans);
}

template <typename Change>
Result<void> PublishedLists::amend(const PrefixMap<bool>& forced_bans, Change change) {
  if (size_of(*set_) > kFewEntries) {
    wish_ = true;
    return {};
  }
  ListSet set = *set_;
  change(set);
  Result<ReadyLists> ready = prepare(std::move(set), {.own = own_, .forced_bans = forced_bans});
  if (!ready) return std::unexpected(std::move(ready.error()));
  if (const Result<bool> published = publish_image(*ready); !published)
    return std::unexpected(published.error());
  put(std::move(*ready));
  return {};
}

Result<void> PublishedLists::set_own(std::vector<OwnPrefix> own, const PrefixMap<bool>& forced_bans,
                                     const Now& now) {
  if (own == own_) return {};
  own_ = std::move(own);
  if (!used_) return {};  // the lists of a former daemon are in force
  Result<void> done = amend(forced_bans, [](ListSet&) {});
  log_problems(now);
  return done;
}

void PublishedLists::log_problems(const Now& now) {
  std::vector<std::string> problems = set_->problems;
  std::ranges::copy(set_->refusals, std::back_inserter(problems));
  for (const std::string& problem : problems)
    if (std::ranges::find(logged_problems_, problem) == logged_problems_.end())
      journal_.write(EventType::list_problem, now,
                     [&] { return EventDetails{"", {Field::text("problem", problem)}}; });
  logged_problems_ = std::move(problems);
}

void PublishedLists::expire(const PrefixMap<bool>& forced_bans, const Now& now) {
  if (!used_ || now.mono_ns < expire_due_ns_) return;
  const auto wall = wall_at(*used_, now.mono_ns);  // without the steps of the clock since
  if (wall < std::min(set_->deny.first_end(), set_->allow.first_end())) return;
  expire_due_ns_ = now.mono_ns + kSecond + size_of(*set_) * kPerEntryNs;
  const Result<void> done = amend(forced_bans, [&](ListSet& set) {
    (void)set.deny.expire(wall);
    (void)set.allow.expire(wall);
  });
  if (!done)
    journal_.write(EventType::reload_failed, now,
                   [&] { return failure_details("lists", done.error()); });
}

// Whether exactly these of the forced bans are cut out, of those that touch an allow entry.
bool PublishedLists::is_cut(const PrefixMap<bool>& forced_bans) const {
  const auto holds_all = [&](const PrefixMap<bool>& some, const PrefixMap<bool>& others) {
    return std::ranges::all_of(some, [&](const auto& ban) {
      return others.contains(ban.first) || set_->allow.touching(ban.first) == nullptr;
    });
  };
  return holds_all(forced_bans, cut_) && holds_all(cut_, forced_bans);
}

Result<void> PublishedLists::cut_out(const PrefixMap<bool>& forced_bans) {
  if (is_cut(forced_bans)) return {};
  return amend(forced_bans, [](ListSet&) {});
}

Result<void> PublishedLists::publish(const PrefixMap<bool>& forced_bans) {
  Result<std::vector<std::byte>> image = set_->image(forced_bans);
  if (!image) return std::unexpected(image.error());
  if (Result<void> published = datapath_->publish_lists(*image); !published) return published;
  image_hash_ = hash_of_image(*image);
  cut_ = forced_bans;
  return {};
}

Result<void> PublishedLists::republish(const PrefixMap<bool>& forced_bans) {
  image_hash_ = 0;
  return amend(forced_bans, [](ListSet&) {});
}

Result<bool> PublishedLists::publish_image(const ReadyLists& ready) {
  if (ready.image_hash == image_hash_) return false;  // a file was touched, its entries were not
  if (Result<void> published = datapath_->publish_lists(ready.image); !published)
    return std::unexpected(published.error());
  image_hash_ = ready.image_hash;
  return true;
}

}  // namespace fw::engine
