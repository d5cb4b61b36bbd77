// SPDX-License-Identifier: MIT
// The list files as the datapath has them: publishes their image, keeps their last good versions,
// and logs what is wrong with them. After an error the former lists are in force.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"
#include "datapath/interface_status.hpp"
#include "engine/enforce/list_set.hpp"
#include "engine/journal/journal.hpp"

namespace fw::engine {

class PublishedLists {
 public:
  // Both are borrowed and outlive it.
  PublishedLists(datapath::Datapath& datapath, Journal& journal)
      : datapath_(&datapath), journal_(journal) {}
  // The next publish goes to another datapath, which has no lists.
  void move_to(datapath::Datapath& datapath);

  // The last good versions are kept in this folder from now on.
  void keep_in(std::filesystem::path folder) { kept_ = lists::KeptLists(std::move(folder)); }
  [[nodiscard]] const lists::KeptLists& kept() const { return kept_; }

  // From now on no entry that holds one of these is in force.
  [[nodiscard]] Result<void> set_own(std::vector<OwnPrefix> own, const PrefixMap<bool>& forced_bans,
                                     const Now& now);

  // Puts in force what was read. Bad lines and refused entries become problems.
  [[nodiscard]] Result<void> use(ListSet set, const PrefixMap<bool>& forced_bans, const Now& now);
  // Ends the entries whose time is over.
  void expire(const PrefixMap<bool>& forced_bans, const Now& now);
  // Publishes the same files when the forced bans changed, which are cut out of the allow entries.
  [[nodiscard]] Result<void> publish(const PrefixMap<bool>& forced_bans);

  // Publishes the same image again, whose copy in the datapath is damaged.
  [[nodiscard]] Result<void> republish(const PrefixMap<bool>& forced_bans) {
    image_hash_ = 0;
    return publish(forced_bans);
  }

  [[nodiscard]] const ListSet& set() const { return set_; }

 private:
  // True if the image differs from the one in force.
  [[nodiscard]] Result<bool> publish(const ListSet& set, const PrefixMap<bool>& forced_bans);
  void log_problems(const Now& now);

  datapath::Datapath* datapath_;
  Journal& journal_;
  lists::KeptLists kept_;
  std::vector<OwnPrefix> own_;
  ListSet set_;
  std::optional<Now> used_;                   // when the set was; none: there is no set yet
  std::uint64_t expire_due_ns_ = 0;           // not before this
  std::size_t image_hash_ = 0;                // of the image in force
  std::vector<std::string> logged_problems_;  // as logged last
};

}  // namespace fw::engine
