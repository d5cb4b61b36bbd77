// SPDX-License-Identifier: MIT
// The list files as they were read: every entry with its file and line, which answers name, and the
// image in which the datapath looks addresses up. A value: it is read aside and swapped whole.
// About 80 bytes an entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"
#include "config/config.hpp"
#include "engine/enforce/prefix_map.hpp"
#include "lists/list_file.hpp"

namespace fw::engine {

struct ListEntry {
  Address first, last;        // inclusive
  std::uint32_t line = 0;     // counts from 1
  std::uint32_t file = 0;     // ListTable::file_of
  std::uint32_t comment = 0;  // ListTable::comment_of
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
  // "deny.list:12"
  [[nodiscard]] std::string place_of(const ListEntry& entry) const;

  // An entry that contains all of `prefix`, or that shares any address with it; null if none does.
  // An IPv6 entry (::/8) never does so for an IPv4 prefix, as in the datapath.
  [[nodiscard]] const ListEntry* covering(const Prefix& prefix) const;
  [[nodiscard]] const ListEntry* touching(const Prefix& prefix) const;

  // Adds the entries of one file, which answers call `name`; finish() when all are in.
  void add_file(lists::List list, std::string name);
  void finish();

 private:
  template <typename Accept>
  const ListEntry* find(const Prefix& prefix, Accept accept) const;

  std::vector<std::string> files_, comments_{""};
  std::vector<ListEntry> entries_;  // IPv6, then IPv4; each by address
  std::size_t first_v4_ = 0;        // index of the first IPv4 entry
  std::vector<Address> reach_;      // the highest `last` of the family's entries up to here
};

struct ListSet {
  ListTable deny, allow;
  std::vector<std::string> problems;  // bad lines and unreadable files; the rest is in the tables

  // Reads every file that `lists` names, relative to `folder`. The list files of the default
  // configuration need not be there.
  [[nodiscard]] static ListSet read(const config::Lists& lists,
                                    const std::filesystem::path& folder);

  // For the datapath. `not_allowed` (forced bans) are cut out of the allow entries.
  [[nodiscard]] Result<std::vector<std::byte>> image(const PrefixMap<bool>& not_allowed) const;
};

}  // namespace fw::engine
