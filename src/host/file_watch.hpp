// SPDX-License-Identifier: MIT
// Reports which of the given files and folders may have changed (inotify). It watches the folder
// and not the file, so that a file that is replaced by rename, deleted, or created later is seen.
// While the folder is missing too, it watches the nearest parent that exists.
//
// Thread rule: one thread at a time.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace fw::host {

class FileWatch {
 public:
  [[nodiscard]] static Result<FileWatch> open();

  // Watches these absolute paths instead of the former ones. A folder changes when an entry
  // directly in it does. Fails if a folder cannot be watched (not permitted, or out of watches);
  // the others are watched all the same.
  [[nodiscard]] Result<void> watch(const std::vector<std::filesystem::path>& paths);

  // Readable when drain() has something to report. Level-triggered.
  [[nodiscard]] int fd() const { return inotify_.get(); }

  // The watched paths, as they were given, that were written and closed, replaced, created or
  // deleted, or that now lead elsewhere. It may report a path that did not change, but misses none:
  // it reports all of them if the kernel lost events or a folder cannot be watched any more. Never
  // blocks.
  [[nodiscard]] std::set<std::filesystem::path> drain();

 private:
  // Where a path leads now. A difference to before shows what no event does: a symbolic link that
  // was changed, or a folder that appeared between two reads.
  struct Target {
    std::filesystem::path real;         // symbolic links followed, as far as they exist
    std::filesystem::path folder;       // the nearest existing folder of the path itself
    std::filesystem::path real_folder;  // and that of `real`

    bool operator==(const Target&) const = default;
  };
  using Targets = std::map<std::filesystem::path, Target>;  // by the path as given
  // The watched folders by descriptor; one folder may be known by several paths.
  using Folders = std::map<int, std::set<std::filesystem::path>>;

  explicit FileWatch(UniqueFd inotify) : inotify_(std::move(inotify)) {}
  [[nodiscard]] static Target look(const std::filesystem::path& path);
  Result<void> arm();
  Result<void> add(std::filesystem::path folder, Folders& folders) const;
  void add_changed(int descriptor, std::string_view name,
                   std::set<std::filesystem::path>& changed) const;

  UniqueFd inotify_;
  Targets targets_;
  Folders folders_;
};

}  // namespace fw::host
