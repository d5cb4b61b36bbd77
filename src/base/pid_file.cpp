// SPDX-License-Identifier: MIT
#include "base/pid_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "base/fd.hpp"

namespace fw {

std::string pid_in(int fd) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  const std::string_view all(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  const std::string_view pid = all.substr(0, all.find('\n'));
  return pid.empty() ? "unknown" : std::string(pid);
}

std::optional<std::string> running_daemon(const std::filesystem::path& folder) {
  const UniqueFd fd(::open((folder / kPidFile).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid() || ::flock(fd.get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
    return std::nullopt;
  return pid_in(fd.get());
}

}  // namespace fw
