// SPDX-License-Identifier: MIT
// The list files as the datapath has them: publishes what list_load.hpp prepared, and logs what is
// wrong with it. After an error the former lists are in force. Lists in force never change: they
// are replaced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"
#include "datapath/interface_status.hpp"
#include "engine/enforce/list_load.hpp"
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

  // What prepare() needs to read these lists.
  [[nodiscard]] ListJob job(const config::Lists& names, const std::filesystem::path& folder,
                            const lists::Accepted& accepted, const PrefixMap<bool>& forced_bans,
                            const Now& now) const;
  // Puts in force what was read. Bad lines and refused entries become problems.
  [[nodiscard]] Result<void> use(ReadyLists ready, const PrefixMap<bool>& forced_bans,
                                 const Now& now);
  // Ends the entries whose time is over.
  void expire(const PrefixMap<bool>& forced_bans, const Now& now);
  // The forced bans changed, which are cut out of the allow entries.
  [[nodiscard]] Result<void> cut_out(const PrefixMap<bool>& forced_bans);
  // Publishes the same lists to another datapath; takes seconds for millions of entries.
  [[nodiscard]] Result<void> publish(const PrefixMap<bool>& forced_bans);
  // Publishes the same image again, whose copy in the datapath is damaged.
  [[nodiscard]] Result<void> republish(const PrefixMap<bool>& forced_bans);

  // The lists in force are to be read again, beside the loop: they are too long for doing at once
  // what was to be done. The call takes the wish.
  [[nodiscard]] bool take_wish() { return std::exchange(wish_, false); }

  // What is left to do when lists came into force, best beside the loop: keeping their versions,
  // and freeing the former ones.
  struct Rest {
    std::vector<lists::Version> versions;
    std::shared_ptr<const ListSet> former;
  };
  [[nodiscard]] Rest take_rest() { return std::exchange(rest_, {}); }
  // What keeping them came to; empty: they are kept.
  void set_kept_problem(std::string problem) { kept_problem_ = std::move(problem); }
  [[nodiscard]] const std::string& kept_problem() const { return kept_problem_; }

  [[nodiscard]] const ListSet& set() const { return *set_; }
  [[nodiscard]] std::shared_ptr<const ListSet> shared() const { return set_; }

 private:
  // True if the image differs from the one in force.
  [[nodiscard]] Result<bool> publish_image(const ReadyLists& ready);
  // Replaces the lists in force by ones with `change` made, at once if they are short.
  template <typename Change>
  [[nodiscard]] Result<void> amend(const PrefixMap<bool>& forced_bans, Change change);
  void put(ReadyLists ready);
  [[nodiscard]] bool is_cut(const PrefixMap<bool>& forced_bans) const;
  void log_problems(const Now& now);

  datapath::Datapath* datapath_;
  Journal& journal_;
  lists::KeptLists kept_;
  std::vector<OwnPrefix> own_;
  std::shared_ptr<const ListSet> set_ = std::make_shared<ListSet>();
  PrefixMap<bool> cut_;  // forced bans that were cut out of it
  Rest rest_;
  bool wish_ = false;
  std::string kept_problem_;
  std::optional<Now> used_;                   // when the set was; none: there is no set yet
  std::uint64_t expire_due_ns_ = 0;           // not before this
  std::size_t image_hash_ = 0;                // of the image in force
  std::vector<std::string> logged_problems_;  // as logged last
};

}  // namespace fw::engine
