// SPDX-License-Identifier: MIT
// glob(3) with functions of our own for reading folders, which stop it. They get no argument, so
// the bound is a variable of the thread.
#include "lists/glob.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>

namespace fw::lists {

namespace {

struct Bound {
  std::size_t names = kMostNames;
  std::chrono::steady_clock::time_point end;
  bool reached = false;

  bool takes_one() {
    if (names == 0 || std::chrono::steady_clock::now() > end) reached = true;
    if (!reached) --names;
    return !reached;
  }
};
thread_local Bound* bound = nullptr;  // while match() runs

int refuse() {
  errno = ENOMEM;  // anything: GLOB_ERR makes glob() end
  return -1;
}

void* open_folder(const char* path) {
  if (bound->takes_one()) return ::opendir(path);
  (void)refuse();
  return nullptr;
}
dirent* read_folder(void* folder) {
  return bound->takes_one() ? ::readdir(static_cast<DIR*>(folder)) : nullptr;
}
void close_folder(void* folder) {
  (void)::closedir(static_cast<DIR*>(folder));
}
int look_at(const char* path, struct stat* found) {
  return bound->takes_one() ? ::stat(path, found) : refuse();
}
int look_at_link(const char* path, struct stat* found) {
  return bound->takes_one() ? ::lstat(path, found) : refuse();
}
// Folders that cannot be read are passed over, as glob() does by itself.
int go_on(const char*, int) {
  return bound->reached ? 1 : 0;
}

}  // namespace

bool is_pattern(const std::string& name) {
  return name.find_first_of("*?[") != std::string::npos;
}

Result<std::vector<std::filesystem::path>> match(const std::filesystem::path& pattern) {
  Bound ours;
  ours.end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kMostMs);
  bound = &ours;
  glob_t found{};
  found.gl_opendir = open_folder;
  found.gl_readdir = read_folder;
  found.gl_closedir = close_folder;
  found.gl_stat = look_at;
  found.gl_lstat = look_at_link;
  const int error = ::glob(pattern.c_str(), GLOB_ALTDIRFUNC, go_on, &found);  // sorts
  bound = nullptr;
  std::vector<std::filesystem::path> files;
  if (error == 0 && !ours.reached)
    for (std::size_t i = 0; i < found.gl_pathc; i++) files.emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  if (ours.reached)
    return fail(ErrorKind::invalid_config,
                fmt::format("lists: the pattern \"{}\" takes too long: it looks at more than {} "
                            "names, or for more than {} s. Name a folder with nothing but lists",
                            pattern.native(), kMostNames, kMostMs / 1000));
  return files;
}

Result<void> check_patterns(std::span<const std::string> patterns,
                            const std::filesystem::path& folder) {
  for (const std::string& name : patterns)
    if (is_pattern(name))
      if (const auto found = match(folder / name); !found) return std::unexpected(found.error());
  return {};
}

}  // namespace fw::lists
