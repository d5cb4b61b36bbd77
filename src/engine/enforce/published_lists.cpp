// SPDX-License-Identifier: MIT
#include "engine/enforce/published_lists.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <string_view>
#include <utility>

#include "datapath/datapath.hpp"

namespace fw::engine {
namespace {

// An image is built in about 1 us an entry. So that no more than a twentieth of a core goes into
// images, entries that end wait so long for each entry of the lists.
constexpr std::uint64_t kPerEntryNs = 20'000;

}  // namespace

void PublishedLists::move_to(datapath::Datapath& datapath) {
  datapath_ = &datapath;
  image_hash_ = 0;
}

Result<void> PublishedLists::use(ListSet set, const PrefixMap<bool>& forced_bans, const Now& now) {
  set.refuse(own_);
  const Result<bool> changed = publish(set, forced_bans);
  if (!changed) {
    journal_.write(EventType::reload_failed, now,
                   [&] { return failure_details("lists", changed.error()); });
    return std::unexpected(changed.error());
  }
  set_ = std::move(set);
  used_ = now;
  for (const lists::Version& version : set_.fresh)
    if (const Result<void> kept = kept_.keep(version); !kept)
      set_.problems.push_back("the last good version of a list is not kept: " +
                              kept.error().message);
  set_.fresh.clear();
  log_problems(now);
  if (*changed)
    journal_.write(EventType::reload, now, [&] {
      return EventDetails{
          "",
          {Field::text("what", "lists"), Field::count("deny", set_.deny.entries().size()),
           Field::count("allow", set_.allow.entries().size())}};
    });
  return {};
}

Result<void> PublishedLists::set_own(std::vector<OwnPrefix> own, const PrefixMap<bool>& forced_bans,
                                     const Now& now) {
  if (own == own_) return {};
  own_ = std::move(own);
  if (!used_) return {};  // the lists of a former daemon are in force
  set_.refuse(own_);
  log_problems(now);
  return publish(forced_bans);
}

void PublishedLists::log_problems(const Now& now) {
  std::vector<std::string> problems = set_.problems;
  std::ranges::copy(set_.refusals, std::back_inserter(problems));
  for (const std::string& problem : problems)
    if (std::ranges::find(logged_problems_, problem) == logged_problems_.end())
      journal_.write(EventType::list_problem, now,
                     [&] { return EventDetails{"", {Field::text("problem", problem)}}; });
  logged_problems_ = std::move(problems);
}

void PublishedLists::expire(const PrefixMap<bool>& forced_bans, const Now& now) {
  if (!used_ || now.mono_ns < expire_due_ns_) return;
  const auto wall = wall_at(*used_, now.mono_ns);  // without the steps of the clock since
  const bool denied = set_.deny.expire(wall);
  const bool allowed = set_.allow.expire(wall);
  if (!denied && !allowed) return;
  const std::size_t entries = set_.deny.entries().size() + set_.allow.entries().size();
  expire_due_ns_ = now.mono_ns + kSecond + entries * kPerEntryNs;
  if (const Result<void> published = publish(forced_bans); !published)
    journal_.write(EventType::reload_failed, now,
                   [&] { return failure_details("lists", published.error()); });
}

Result<void> PublishedLists::publish(const PrefixMap<bool>& forced_bans) {
  if (Result<bool> done = publish(set_, forced_bans); !done) return std::unexpected(done.error());
  return {};
}

Result<bool> PublishedLists::publish(const ListSet& set, const PrefixMap<bool>& forced_bans) {
  const Result<std::vector<std::byte>> image = set.image(forced_bans);
  if (!image) return std::unexpected(image.error());
  const std::size_t hash =
      std::hash<std::string_view>{}({reinterpret_cast<const char*>(image->data()), image->size()});
  if (hash == image_hash_) return false;  // a file was touched, its entries were not
  if (Result<void> published = datapath_->publish_lists(*image); !published)
    return std::unexpected(published.error());
  image_hash_ = hash;
  return true;
}

}  // namespace fw::engine
