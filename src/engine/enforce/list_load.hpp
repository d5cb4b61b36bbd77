// SPDX-License-Identifier: MIT
// Lists read, and their image built, beside the event loop: a job is a value that any thread may
// carry out, and what it made is put in force in one step (published_lists.hpp), or not at all.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"
#include "engine/enforce/list_set.hpp"
#include "engine/enforce/prefix_map.hpp"
#include "lists/kept_lists.hpp"

namespace fw::engine {

// What the lists must give way to.
struct ListLimits {
  std::vector<OwnPrefix> own;   // no entry holds one of these
  PrefixMap<bool> forced_bans;  // cut out of the allow entries
};

struct ListJob {
  config::Lists names;
  std::filesystem::path folder;  // names are relative to it
  std::chrono::system_clock::time_point wall;
  lists::KeptLists kept;
  lists::Accepted accepted;
  ListLimits limits;
  std::stop_token stop{};
};

struct ReadyLists {
  std::shared_ptr<ListSet> set;  // without what is refused
  std::vector<std::byte> image;
  std::size_t image_hash = 0;
  ListLimits limits;  // for which it was made
};

// How long reading lists may take: judgement, several times what 20 million lines take.
inline constexpr std::chrono::minutes kLongestLoad{5};

[[nodiscard]] std::size_t hash_of_image(std::span<const std::byte> image);

// Reads files; may run in any thread, for seconds. Fails if the lists are larger than a budget or
// an image can be, or if it is told to stop.
[[nodiscard]] Result<ReadyLists> prepare(const ListJob& job);
// The same for lists that were read already.
[[nodiscard]] Result<ReadyLists> prepare(ListSet set, ListLimits limits);

// Keeps the versions that are in force now, and writes to disk. What went wrong; empty: nothing.
[[nodiscard]] std::string keep_versions(const lists::KeptLists& kept,
                                        const std::vector<lists::Version>& versions);

}  // namespace fw::engine
