// SPDX-License-Identifier: MIT
#include "daemon/removal_order.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.hpp"

namespace fw::daemon {

Result<void> RemovalOrder::give() const {
  const UniqueFd fd{::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644)};
  if (!fd.valid()) return fail_errno("cannot make " + file_.native(), errno);
  return {};
}

bool RemovalOrder::stands() const {
  return ::access(file_.c_str(), F_OK) == 0;
}

Result<void> RemovalOrder::withdraw() const {
  if (::unlink(file_.c_str()) == 0 || errno == ENOENT) return {};
  return fail_errno("cannot remove " + file_.native(), errno);
}

}  // namespace fw::daemon
