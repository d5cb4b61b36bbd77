// SPDX-License-Identifier: MIT
// Tells which of some files and folders may have changed (inotify). The folder is watched and not
// the file, so that replacing a file by rename, deleting it and creating it later are all seen;
// where the folder is missing too, the nearest one that exists is watched until it appears.
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

  // Watches these absolute paths instead of the former ones. For a folder every change of an entry
  // in it counts (not below). Fails if a folder cannot be watched (not permitted, or out of
  // watches); the others are watched all the same.
  [[nodiscard]] Result<void> watch(const std::vector<std::filesystem::path>& paths);

  // Readable when drain() has something to say. Level-triggered.
  [[nodiscard]] int fd() const { return inotify_.get(); }

  // The watched paths, as they were given, that were written and closed, replaced, created, deleted
  // or came to point elsewhere. Rather one too many than one too few: all of them when the kernel
  // lost events or a folder cannot be watched any more. Never blocks.
  [[nodiscard]] std::set<std::filesystem::path> drain();

 private:
  // Where a path leads now. Compared with before, it tells what no event does: a link that was
  // turned, a folder that appeared between two looks.
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
  void note(int descriptor, std::string_view name, std::set<std::filesystem::path>& changed) const;

  UniqueFd inotify_;
  Targets targets_;
  Folders folders_;
};

}  // namespace fw::host
