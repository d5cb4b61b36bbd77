// SPDX-License-Identifier: MIT
// The list files as they were read: every entry with its file and line, which answers name, and the
// image in which the datapath looks addresses up. A value: it is read aside and swapped whole.
// 64 bytes an entry.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"
#include "base/now.hpp"
#include "config/config.hpp"
#include "engine/enforce/prefix_map.hpp"
#include "lists/kept_lists.hpp"
#include "lists/list_file.hpp"

namespace fw::engine {

using lists::ListEntry;  // its file: ListTable::file_of, its comment: ListTable::comment_of

// What a list must not hold: a network of this host, or an address without which it is off the net.
struct OwnPrefix {
  Prefix prefix;
  std::string what;  // "your default gateway 192.0.2.1"

  bool operator==(const OwnPrefix&) const = default;
};

// The entries of all deny files, or of all allow files.
class ListTable {
 public:
  [[nodiscard]] const std::vector<ListEntry>& entries() const { return entries_; }  // sorted
  [[nodiscard]] const std::string& file_of(const ListEntry& entry) const {
    return files_[entry.file];
  }
  [[nodiscard]] const std::string& comment_of(const ListEntry& entry) const {
    return comments_[entry.comment];
  }
  // The names of the files, and since when the version of each that is in force is.
  [[nodiscard]] const std::vector<std::string>& files() const { return files_; }
  [[nodiscard]] const std::vector<std::chrono::system_clock::time_point>& loaded() const {
    return loaded_;
  }
  // "deny.list:12"
  [[nodiscard]] std::string place_of(const ListEntry& entry) const;

  // An entry that contains all of `prefix`, or that shares any address with it; null if none does.
  // An IPv6 entry (::/8) never does so for an IPv4 prefix, as in the datapath.
  [[nodiscard]] const ListEntry* covering(const Prefix& prefix) const;
  [[nodiscard]] const ListEntry* touching(const Prefix& prefix) const;

  // Adds the entries of one file, which answers call `name`; finish() when all are in. The time of
  // entries that end runs from `loaded`.
  void add_file(lists::List list, std::string name,
                std::chrono::system_clock::time_point loaded = {});
  void finish();

  // From now on exactly the entries for which why() has words are out of force; a sentence each.
  using Objection = std::function<std::string(const ListEntry&)>;
  [[nodiscard]] std::vector<std::string> refuse(const Objection& why);

  // Drops the entries that have ended, and says whether there were any. They must not be refused.
  bool expire(std::chrono::system_clock::time_point wall);
  // When the first entry ends; the maximum: none does.
  [[nodiscard]] std::chrono::system_clock::time_point first_end() const { return first_end_; }

 private:
  static constexpr auto kNever = std::chrono::system_clock::time_point::max();

  template <typename Accept>
  const ListEntry* find(const Prefix& prefix, Accept accept) const;
  [[nodiscard]] std::chrono::system_clock::time_point end_of(const ListEntry& entry) const;

  std::vector<std::string> files_, comments_{""};
  std::vector<std::chrono::system_clock::time_point> loaded_;  // by file
  std::chrono::system_clock::time_point first_end_ = kNever;
  std::vector<ListEntry> refused_;
  std::vector<ListEntry> entries_;  // IPv6, then IPv4; each by address
  std::size_t first_v4_ = 0;        // index of the first IPv4 entry
  std::vector<Address> reach_;      // the highest `last` of the family's entries up to here
};

struct ListSet {
  ListTable deny, allow;
  std::vector<std::string> problems;  // bad lines and unreadable files; the rest is in the tables
  std::vector<std::string> refusals;  // entries that are out of force, a sentence each
  std::vector<std::string> stale;     // the files whose last good version is in force
  std::vector<std::string> stale_in_words;  // a sentence each; among the problems, too
  std::vector<lists::Version> fresh;        // without entries; to be kept once they are in force

  // Reads every file that `lists` names, relative to `folder`, or its version in `kept`. The list
  // files of the default configuration need not be there. May run on any thread.
  [[nodiscard]] static ListSet read(const config::Lists& lists, const std::filesystem::path& folder,
                                    std::chrono::system_clock::time_point wall = {},
                                    const lists::KeptLists& kept = lists::KeptLists{},
                                    const lists::Accepted& accepted = {});
  // The same, as far as the budget reaches.
  [[nodiscard]] static ListSet read(const config::Lists& lists, const std::filesystem::path& folder,
                                    std::chrono::system_clock::time_point wall,
                                    const lists::KeptLists& kept, const lists::Accepted& accepted,
                                    lists::Budget& budget);

  // Takes the entries out of force that hold every address of a family (allow lists too), or one of
  // `own` (deny lists).
  void refuse(std::span<const OwnPrefix> own);

  // For the datapath. `not_allowed` (forced bans) are cut out of the allow entries.
  [[nodiscard]] Result<std::vector<std::byte>> image(const PrefixMap<bool>& not_allowed) const;
};

}  // namespace fw::engine
