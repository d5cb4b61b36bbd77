// SPDX-License-Identifier: MIT
#include "daemon/watched_files.hpp"

#include <algorithm>
#include <string>

#include "lists/list_file.hpp"

namespace fw::daemon {
namespace {

// The folders before the first name with a wildcard; empty if there is no wildcard.
std::filesystem::path folder_of_pattern(const std::filesystem::path& pattern) {
  std::filesystem::path folder;
  for (const std::filesystem::path& part : pattern) {
    if (part.native().find_first_of("*?[") != std::string::npos) return folder;
    folder /= part;
  }
  return {};
}

}  // namespace

std::set<std::filesystem::path> watched_lists(const config::Lists& lists,
                                              const std::filesystem::path& folder) {
  std::set<std::filesystem::path> watched;
  for (const auto* patterns : {&lists.deny, &lists.allow}) {
    for (const std::filesystem::path& file : lists::expand(*patterns, folder)) watched.insert(file);
    for (const std::string& pattern : *patterns)
      if (const auto wild = folder_of_pattern(folder / pattern); !wild.empty())
        watched.insert(wild);
  }
  return watched;
}

std::set<std::filesystem::path> watched_servers(const host::ResolverPaths& paths) {
  std::set<std::filesystem::path> watched{paths.resolv_conf, paths.resolved_conf};
  watched.insert(paths.lease_folders.begin(), paths.lease_folders.end());
  return watched;
}

void WatchedFiles::watch(const config::Lists& lists, const std::filesystem::path& folder) {
  lists_ = watched_lists(lists, folder);
  std::set<std::filesystem::path> wanted = watched_servers(host::ResolverPaths{});
  wanted.insert(lists_.begin(), lists_.end());
  if (wanted == watched_) return;
  watched_ = std::move(wanted);
  const Result<void> watching = watch_.watch({watched_.begin(), watched_.end()});
  problem_ = watching ? "" : watching.error().message;
}

WatchedFiles::Changes WatchedFiles::changes() {
  const std::set<std::filesystem::path> changed = watch_.drain();
  return {.any = !changed.empty(), .lists = std::ranges::any_of(changed, [&](const auto& path) {
                                     return lists_.contains(path);
                                   })};
}

}  // namespace fw::daemon
