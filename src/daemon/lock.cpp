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

}  // namespace

Result<Lock> Lock::take(const std::filesystem::path& folder) {
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
  if (::geteuid() == 0 && ::stat(folder.c_str(), &owner) == 0)
    (void)::fchown(fd.get(), owner.st_uid, owner.st_gid);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return refused_by_system(path, errno);
    return fail(fmt::format("floodwalld is running already (process {}): see floodwall status",
                            pid_in(fd.get())));
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return refused_by_system(path, errno);
  return Lock(std::move(fd));
}

}  // namespace fw::daemon
