// SPDX-License-Identifier: MIT
// The list files as the datapath has them: reads them, publishes their image, and logs what is
// wrong with them. After an error the former lists are in force.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
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

  // Reads the files that `files` names, relative to `folder`. Bad lines are skipped and become
  // problems.
  [[nodiscard]] Result<void> load(const config::Lists& files, const std::filesystem::path& folder,
                                  const PrefixMap<bool>& forced_bans, const Now& now);
  // Publishes the same files when the forced bans changed, which are cut out of the allow entries.
  [[nodiscard]] Result<void> publish(const PrefixMap<bool>& forced_bans);

  [[nodiscard]] const ListSet& set() const { return set_; }

 private:
  // True if the image differs from the one in force.
  [[nodiscard]] Result<bool> publish(const ListSet& set, const PrefixMap<bool>& forced_bans);

  datapath::Datapath* datapath_;
  Journal& journal_;
  ListSet set_;
  std::size_t image_hash_ = 0;                // of the image in force
  std::vector<std::string> logged_problems_;  // as logged last
};

}  // namespace fw::engine
