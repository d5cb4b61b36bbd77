// SPDX-License-Identifier: MIT
#include "daemon/lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

namespace fw::daemon {
namespace {

std::unexpected<Error> refused_by_system(const std::filesystem::path& path, int error_number) {
  const bool rights = error_number == EACCES || error_number == EPERM;
  return fail(rights ? ErrorKind::not_permitted : ErrorKind::failed,
              fmt::format("cannot make {}: {}{}", path.native(),
                          std::generic_category().message(error_number),
                          rights ? "; floodwalld runs as root" : ""));
}

std::string read_pid(int fd) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  const std::string_view all(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  const std::string_view pid = all.substr(0, all.find('\n'));
  return pid.empty() ? "unknown" : std::string(pid);
}

std::filesystem::path file_in(const std::filesystem::path& folder) {
  return folder / "floodwalld.pid";
}

}  // namespace

std::optional<std::string> Lock::holder(const std::filesystem::path& folder) {
  const UniqueFd fd(::open(file_in(folder).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid() || ::flock(fd.get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
    return std::nullopt;
  return read_pid(fd.get());
}

Result<Lock> Lock::take(const std::filesystem::path& folder) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(folder, error);
  if (error) return refused_by_system(folder, error.value());
  // Callers of the API must reach its socket, whatever the umask; the socket's own mode says who
  // may connect.
  if (made && ::chmod(folder.c_str(), 0755) != 0) return refused_by_system(folder, errno);

  const std::filesystem::path path = file_in(folder);
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd.valid()) return refused_by_system(path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return refused_by_system(path, errno);
    return fail(fmt::format("floodwalld is running already (process {}): see floodwall status",
                            read_pid(fd.get())));
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return refused_by_system(path, errno);
  return Lock(std::move(fd));
}

}  // namespace fw::daemon
