// SPDX-License-Identifier: MIT
#include "engine/enforce/list_load.hpp"

#include <functional>
#include <string_view>
#include <utility>

namespace fw::engine {

std::size_t hash_of_image(std::span<const std::byte> image) {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(image.data()), image.size()});
}

Result<ReadyLists> prepare(const ListJob& job) {
  lists::Budget budget{.end = std::chrono::steady_clock::now() + kLongestLoad, .stop = job.stop};
  ListSet set = ListSet::read(job.names, job.folder, job.wall, job.kept, job.accepted, budget);
  if (!budget.reached.empty())
    return fail(ErrorKind::invalid_config, "lists: " + std::move(budget.reached));
  return prepare(std::move(set), job.limits);
}

Result<ReadyLists> prepare(ListSet set, ListLimits limits) {
  set.refuse(limits.own);
  Result<std::vector<std::byte>> image = set.image(limits.forced_bans);
  if (!image) return std::unexpected(std::move(image.error()));
  const std::size_t hash = hash_of_image(*image);
  return ReadyLists{.set = std::make_shared<ListSet>(std::move(set)),
                    .image = std::move(*image),
                    .image_hash = hash,
                    .limits = std::move(limits)};
}

std::string keep_versions(const lists::KeptLists& kept,
                          const std::vector<lists::Version>& versions) {
  for (const lists::Version& version : versions)
    if (const Result<void> done = kept.keep(version); !done)
      return "the last good version of a list is not kept: " + done.error().message;
  return {};
}

}  // namespace fw::engine
