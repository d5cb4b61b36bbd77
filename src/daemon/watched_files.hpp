// SPDX-License-Identifier: MIT
// The files whose changes count at once: list files, and the files that name DNS and DHCP servers.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <utility>

#include "config/config.hpp"
#include "host/file_watch.hpp"
#include "host/resolvers.hpp"

namespace fw::daemon {

// The list files, and the folder of every pattern with wildcards: a new file may match it.
// `folder` is that of floodwall.toml.
[[nodiscard]] std::set<std::filesystem::path> watched_lists(const config::Lists& lists,
                                                            const std::filesystem::path& folder);
// Files and folders that name DNS and DHCP servers.
[[nodiscard]] std::set<std::filesystem::path> watched_servers(const host::ResolverPaths& paths);

class WatchedFiles {
 public:
  explicit WatchedFiles(host::FileWatch watch) : watch_(std::move(watch)) {}

  // From now on watches these list files, and the servers' files.
  void watch(const config::Lists& lists, const std::filesystem::path& folder);

  struct Changes {
    bool any = false;
    bool lists = false;
  };
  // Since the last call.
  [[nodiscard]] Changes changes();

  // A sentence, or empty: all are watched.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  host::FileWatch watch_;
  std::set<std::filesystem::path> lists_;
  std::set<std::filesystem::path> watched_;  // lists_ and the servers' files
  std::string problem_;
};

}  // namespace fw::daemon
