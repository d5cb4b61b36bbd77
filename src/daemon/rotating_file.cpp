// SPDX-License-Identifier: MIT
#include "daemon/rotating_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace fw::daemon {

Result<void> RotatingFile::append(std::string_view line) {
  if (!fd_.valid() || lost())
    if (Result<void> opened = open(); !opened) return opened;
  if (size_bytes_ > 0 && size_bytes_ + line.size() + 1 > bounds_.rotate_bytes) {
    rotate();
    if (Result<void> opened = open(); !opened) return opened;
  }
  buffer_.assign(line);
  buffer_ += '\n';
  const ssize_t written = ::write(fd_.get(), buffer_.data(), buffer_.size());
  if (written == static_cast<ssize_t>(buffer_.size())) {
    size_bytes_ += buffer_.size();
    return {};
  }
  const int error = written < 0 ? errno : ENOSPC;
  // Half a line would make the next one unreadable as well.
  if (written > 0 && ::ftruncate(fd_.get(), static_cast<off_t>(size_bytes_)) != 0) reopen();
  return fail_errno(fmt::format("cannot write to {}", path_.native()), error);
}

Result<void> RotatingFile::open() {
  std::error_code error;
  std::filesystem::create_directories(path_.parent_path(), error);
  if (error)
    return fail_errno(fmt::format("cannot make {}", path_.parent_path().native()), error.value());
  // O_NONBLOCK: a pipe in the file's place must not stop the daemon.
  UniqueFd fd(::open(path_.c_str(),
                     O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640));
  struct stat found{};
  if (!fd.valid() || ::fstat(fd.get(), &found) != 0)
    return fail_errno(fmt::format("cannot open {}", path_.native()), errno);
  if (!S_ISREG(found.st_mode))
    return fail(fmt::format("cannot open {}: it is not a regular file", path_.native()));
  fd_ = std::move(fd);
  size_bytes_ = static_cast<std::uint64_t>(found.st_size);
  return {};
}

// Whether the file was deleted.
bool RotatingFile::lost() const {
  struct stat found{};
  return ::fstat(fd_.get(), &found) != 0 || found.st_nlink == 0;
}

void RotatingFile::rotate() {
  const auto former = [&](unsigned number) {
    return number == 0 ? path_.native() : fmt::format("{}.{}", path_.native(), number);
  };
  // A file that cannot be renamed is truncated: the bound on the disk matters more than old lines.
  const auto empty = [&] { return ::truncate(path_.c_str(), 0) == 0; };
  if (bounds_.keep == 0 && ::unlink(path_.c_str()) != 0) empty();
  for (unsigned number = bounds_.keep; number > 0; --number)
    if (::rename(former(number - 1).c_str(), former(number).c_str()) != 0 && number == 1) empty();
  reopen();
}

}  // namespace fw::daemon
