// SPDX-License-Identifier: MIT
#include "engine/enforce/published_lists.hpp"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

#include "datapath/datapath.hpp"

namespace fw::engine {

void PublishedLists::move_to(datapath::Datapath& datapath) {
  datapath_ = &datapath;
  image_hash_ = 0;
}

Result<void> PublishedLists::load(const config::Lists& files, const std::filesystem::path& folder,
                                  const PrefixMap<bool>& forced_bans, const Now& now) {
  ListSet set = ListSet::read(files, folder);
  const Result<bool> changed = publish(set, forced_bans);
  if (!changed) {
    journal_.write(EventType::reload_failed, now,
                   [&] { return failure_details("lists", changed.error()); });
    return std::unexpected(changed.error());
  }
  set_ = std::move(set);
  for (const std::string& problem : set_.problems)
    if (std::ranges::find(logged_problems_, problem) == logged_problems_.end())
      journal_.write(EventType::list_problem, now,
                     [&] { return EventDetails{"", {Field::text("problem", problem)}}; });
  logged_problems_ = set_.problems;
  if (*changed)
    journal_.write(EventType::reload, now, [&] {
      return EventDetails{
          "",
          {Field::text("what", "lists"), Field::count("deny", set_.deny.entries().size()),
           Field::count("allow", set_.allow.entries().size())}};
    });
  return {};
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
