// SPDX-License-Identifier: MIT
// Reads whole files, and replaces them atomically.
#include "base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.hpp"

namespace fw {

namespace {

// Writes all of `text`. Returns 0 or an errno.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

// Writes the temporary file and sets its mode and owner. Returns 0 or an errno.
int fill(int fd, std::string_view text, mode_t mode, const struct stat* before) {
  if (const int error = write_all(fd, text)) return error;
  // Only root may change the owner; another user can only replace a file of their own.
  if (before != nullptr && ::geteuid() == 0 && ::fchown(fd, before->st_uid, before->st_gid) != 0)
    return errno;
  if (::fchmod(fd, mode) != 0) return errno;
  return ::fsync(fd) == 0 ? 0 : errno;
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t limit_bytes) {
  // Non-blocking, so that opening a FIFO does not wait; it is refused below.
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!fd.valid()) return fail_errno(fmt::format("cannot read {}", path.native()), errno);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0)
    return fail_errno(fmt::format("cannot read {}", path.native()), errno);
  if (!S_ISREG(info.st_mode))
    return fail(fmt::format("cannot read {}: not a regular file", path.native()));

  // Files in /proc and /sys have size 0, and any file may grow, so read until the end.
  std::string text;
  auto expected = static_cast<std::size_t>(info.st_size);
  for (std::size_t used = 0;;) {
    if (expected > limit_bytes || used > limit_bytes)
      return fail(fmt::format("cannot read {}: larger than {} bytes", path.native(), limit_bytes));
    if (text.size() < used + 1) text.resize(std::max(expected, used) + 4096);
    const ssize_t got = ::read(fd.get(), text.data() + used, text.size() - used);
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail_errno(fmt::format("cannot read {}", path.native()), errno);
    }
    if (got == 0) {
      text.resize(used);
      return text;
    }
    used += static_cast<std::size_t>(got);
  }
}

bool may_read(const std::filesystem::path& path) {
  const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  return fd.valid() || (errno != EACCES && errno != EPERM);
}

Result<void> write_file(const std::filesystem::path& given, std::string_view text, unsigned mode) {
  // A symbolic link stays; the file that it points to is replaced.
  std::error_code ignored;
  std::filesystem::path path = given;
  if (std::filesystem::is_symlink(given, ignored)) {
    path = std::filesystem::weakly_canonical(given, ignored);
    if (ignored) path = given;
  }
  const auto failed = [&](int error) {
    return fail_errno(fmt::format("cannot write {}", given.native()), error);
  };
  std::string temporary = path.native() + ".XXXXXX";

  struct stat info{};
  const bool existed = ::stat(path.c_str(), &info) == 0;
  if (existed && !S_ISREG(info.st_mode))
    return fail(fmt::format("cannot write {}: not a regular file", given.native()));
  int error = 0;
  {
    const UniqueFd fd{::mkostemp(temporary.data(), O_CLOEXEC)};
    if (!fd.valid()) return failed(errno);
    error = fill(fd.get(), text, existed ? info.st_mode & 07777 : mode, existed ? &info : nullptr);
  }
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    (void)::unlink(temporary.c_str());
    return failed(error);
  }
  // Without this the rename may be lost in a power cut.
  const std::string folder = path.has_parent_path() ? path.parent_path().native() : ".";
  const UniqueFd fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (fd.valid()) (void)::fsync(fd.get());
  return {};
}

}  // namespace fw
