// SPDX-License-Identifier: MIT
// The system calls are made directly where glibc would change the ids of every thread.
#include "daemon/caller_rights.hpp"

#include <fmt/format.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace fw::daemon {
namespace {

bool set_groups(const std::vector<gid_t>& groups) {
  return ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

// setfsuid() returns the former id, whether it succeeds or not: an impossible id changes nothing.
uid_t fs_uid() {
  return static_cast<uid_t>(::setfsuid(static_cast<uid_t>(-1)));
}
gid_t fs_gid() {
  return static_cast<gid_t>(::setfsgid(static_cast<gid_t>(-1)));
}

}  // namespace

Result<CallerRights> CallerRights::take(uid_t uid, gid_t gid, const std::vector<gid_t>& groups) {
  CallerRights rights;
  if (uid == 0) return rights;
  const int count = ::getgroups(0, nullptr);
  if (count < 0) return fail_errno("read the groups of this process", errno);
  rights.groups_.resize(static_cast<std::size_t>(count));
  if (::getgroups(count, rights.groups_.data()) < 0)
    return fail_errno("read the groups of this process", errno);
  rights.uid_ = fs_uid();
  rights.gid_ = fs_gid();
  const auto cannot = [&] {
    return fail(ErrorKind::not_permitted,
                fmt::format("the daemon may not read files with the rights of user {} (it has no "
                            "CAP_SETUID and CAP_SETGID): run with sudo, or name the file",
                            uid));
  };
  if (!set_groups(groups)) return cannot();
  rights.taken_ = true;
  (void)::setfsgid(gid);
  (void)::setfsuid(uid);  // last: it gives up the right to read everything
  if (fs_uid() != uid || fs_gid() != gid) return cannot();
  return rights;
}

CallerRights::CallerRights(CallerRights&& other) noexcept
    : taken_(std::exchange(other.taken_, false)),
      uid_(other.uid_),
      gid_(other.gid_),
      groups_(std::move(other.groups_)) {}

CallerRights::~CallerRights() {
  if (!taken_) return;
  (void)::setfsuid(uid_);
  (void)::setfsgid(gid_);
  // A thread with the wrong rights must not go on.
  if (!set_groups(groups_) || fs_uid() != uid_ || fs_gid() != gid_) std::abort();
}

}  // namespace fw::daemon
