// SPDX-License-Identifier: MIT
#include "daemon/lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/pid_file.hpp"

namespace fw::daemon {
namespace {

std::unexpected<Error> refused_by_system(const std::filesystem::path& path, int error_number) {
  const bool rights = error_number == EACCES || error_number == EPERM;
  return fail(
      rights ? ErrorKind::not_permitted : ErrorKind::failed,
      fmt::format("cannot make {}: {}{}", path.native(),
                  std::generic_category().message(error_number),
                  rights ? "; start floodwalld as root, or systemctl start floodwall" : ""));
}

struct Taken {
  UniqueFd fd;
  bool locked = false;  // false: another process has it
};
Result<Taken> open_and_lock(const std::filesystem::path& folder) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(folder, error);
  if (error) return refused_by_system(folder, error.value());
  // Callers of the API must reach its socket, whatever the umask; the socket's own mode says who
  // may connect.
  if (made && ::chmod(folder.c_str(), 0755) != 0) return refused_by_system(folder, errno);

  const std::filesystem::path path = folder / kPidFile;
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd.valid()) return refused_by_system(path, errno);
  // A daemon that is not root must be able to take the file that root's `--remove` made.
  struct stat owner{};
  if (::geteuid() == 0 && ::stat(folder.c_str(), &owner) == 0 &&
      ::fchown(fd.get(), owner.st_uid, owner.st_gid) != 0)
    return refused_by_system(path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return refused_by_system(path, errno);
    return Taken{.fd = std::move(fd)};
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return refused_by_system(path, errno);
  return Taken{.fd = std::move(fd), .locked = true};
}

}  // namespace

Result<Lock> Lock::take(const std::filesystem::path& folder) {
  Result<Taken> taken = open_and_lock(folder);
  if (!taken) return std::unexpected(std::move(taken.error()));
  if (!taken->locked)
    return fail(fmt::format("floodwalld is running already (process {}): see floodwall status",
                            pid_in(taken->fd.get())));
  return Lock(std::move(taken->fd), folder);
}

Result<bool> Lock::keep() {
  struct stat there{};
  struct stat ours{};
  if (::stat((folder_ / kPidFile).c_str(), &there) == 0 && ::fstat(fd_.get(), &ours) == 0 &&
      there.st_dev == ours.st_dev && there.st_ino == ours.st_ino)
    return true;
  Result<Taken> taken = open_and_lock(folder_);
  if (!taken) return std::unexpected(std::move(taken.error()));
  if (taken->locked) fd_ = std::move(taken->fd);
  return taken->locked;
}

}  // namespace fw::daemon
