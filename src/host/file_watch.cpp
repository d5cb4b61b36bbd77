// SPDX-License-Identifier: MIT
// inotify: which folders to watch is determined again after every batch of events.
#include "host/file_watch.hpp"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace fw::host {

namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
// Bounds one drain(); the descriptor stays readable (judgement).
constexpr int kMaxReads = 64;
constexpr int kMaxLinks = 16;  // a chain of symbolic links; the kernel's own limit is 40

// A symbolic link to a folder does not count as one: its target may be changed, and only the folder
// that holds the link reports that.
fs::path nearest_folder(fs::path path) {
  std::error_code error;
  while (path.has_relative_path() &&
         (!fs::is_directory(path, error) || fs::is_symlink(path, error)))
    path = path.parent_path();
  return path;
}

// As weakly_canonical(), but also follows a symbolic link to a path that does not exist yet.
fs::path real_path(fs::path path) {
  std::error_code error;
  for (int links = 0; links < kMaxLinks && fs::is_symlink(path, error); links++) {
    const fs::path target = fs::read_symlink(path, error);
    if (error) break;
    path = path.parent_path() / target;  // an absolute target replaces the folder
  }
  fs::path real = fs::weakly_canonical(path, error);
  return error ? path.lexically_normal() : real;
}

bool is_within(const fs::path& path, const fs::path& folder) {
  const auto [at, end] = std::ranges::mismatch(folder, path);
  return at == folder.end();
}

}  // namespace

Result<FileWatch> FileWatch::open() {
  UniqueFd inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify.valid()) return fail_errno("cannot watch files", errno);
  return FileWatch(std::move(inotify));
}

FileWatch::Target FileWatch::look(const fs::path& path) {
  const fs::path real = real_path(path);
  return {.real = real, .folder = nearest_folder(path), .real_folder = nearest_folder(real)};
}

Result<void> FileWatch::watch(const std::vector<fs::path>& paths) {
  targets_.clear();
  for (const fs::path& path : paths) targets_.emplace(path, Target{});
  return arm();
}

Result<void> FileWatch::arm() {
  constexpr int kMaxRounds = 4;
  Result<void> result;
  for (int round = 0; round < kMaxRounds; round++) {
    Folders folders;
    bool moved = false;
    for (auto& [path, target] : targets_) {
      Target now = look(path);
      moved = moved || now != target;
      target = std::move(now);
    }
    if (!moved && round > 0) break;  // nothing changed between reading the paths and watching
    result = {};
    for (const auto& [path, target] : targets_)
      for (const fs::path& folder : {target.folder, target.real_folder})
        if (auto added = add(folder, folders); !added && result) result = std::move(added);
    for (const auto& [descriptor, names] : folders_)
      if (!folders.contains(descriptor)) ::inotify_rm_watch(inotify_.get(), descriptor);
    folders_ = std::move(folders);
  }
  return result;
}

Result<void> FileWatch::add(fs::path folder, Folders& folders) const {
  for (;;) {
    const int descriptor = ::inotify_add_watch(inotify_.get(), folder.c_str(), kEvents);
    if (descriptor >= 0) {
      folders[descriptor].insert(std::move(folder));
      return {};
    }
    const int error = errno;
    // Deleted since it was found: its parent reports when it is back.
    if ((error != ENOENT && error != ENOTDIR) || !folder.has_relative_path())
      return fail_errno(fmt::format("cannot watch {}", folder.native()), error);
    folder = folder.parent_path();
  }
}

void FileWatch::add_changed(int descriptor, std::string_view name,
                            std::set<fs::path>& changed) const {
  const auto found = folders_.find(descriptor);
  if (found == folders_.end()) return;  // no longer watched
  for (const fs::path& folder : found->second) {
    const fs::path entry = name.empty() ? folder : folder / name;
    for (const auto& [path, target] : targets_)
      for (const fs::path& known : {path, target.real})
        // The path itself, a folder above it, or an entry of a watched folder.
        if (known == folder || is_within(known, entry)) changed.insert(path);
  }
}

std::set<fs::path> FileWatch::drain() {
  std::set<fs::path> changed;
  alignas(inotify_event) std::array<char, 16384> buffer{};
  bool any = false;
  for (int reads = 0; reads < kMaxReads; reads++) {
    const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    any = true;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(got);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* name = buffer.data() + at + sizeof event;
      if ((event.mask & IN_Q_OVERFLOW) != 0)
        for (const auto& entry : targets_) changed.insert(entry.first);
      add_changed(event.wd, {name, event.len == 0 ? 0 : ::strnlen(name, event.len)}, changed);
      at += sizeof event + event.len;
    }
  }
  if (!any) return changed;
  const Targets before = targets_;
  const bool all_watched = arm().has_value();
  for (const auto& [path, target] : targets_)
    if (!all_watched || before.at(path) != target) changed.insert(path);
  return changed;
}

}  // namespace fw::host
