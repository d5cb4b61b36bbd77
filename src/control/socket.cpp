// SPDX-License-Identifier: MIT
// Making the API's socket and asking who is at its other end.
#include "control/socket.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <sys/acl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace fw::control {

namespace {

constexpr int kBacklog = 128;

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.empty() || text.size() >= sizeof(address.sun_path))
    return fail(fmt::format("cannot listen on \"{}\": a socket's path has 1 to {} bytes", text,
                            sizeof(address.sun_path) - 1));
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// Fails if the path is in use, or is no socket.
Result<void> remove_stale(const std::filesystem::path& path, const sockaddr_un& address) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno(fmt::format("cannot look at {}", path.native()), errno);
  }
  if (!S_ISSOCK(found.st_mode))
    return fail(fmt::format("{} is in the way: it is not a socket", path.native()));
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) return fail_errno("cannot make a socket", errno);
  // EAGAIN: somebody listens, but the queue is full.
  const bool taken = ::connect(probe.get(), generic(address), sizeof(address)) == 0;
  if (taken || errno == EAGAIN)
    return fail(fmt::format("already running: another daemon listens on {}", path.native()));
  if (errno != ECONNREFUSED)
    return fail_errno(fmt::format("cannot find out who listens on {}", path.native()), errno);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail_errno(fmt::format("cannot remove the stale {}", path.native()), errno);
  return {};
}

Result<void> make_folder(const std::filesystem::path& folder) {
  if (folder.empty()) return {};
  std::error_code error;
  const bool made = std::filesystem::create_directories(folder, error);
  if (error)
    return fail(fmt::format("cannot make the folder {}: {}", folder.native(), error.message()));
  // Only if we created it: an existing folder keeps its mode.
  if (made && ::chmod(folder.c_str(), 0755) != 0)
    return fail_errno(fmt::format("cannot open the folder {} for all", folder.native()), errno);
  return {};
}

}  // namespace

std::optional<gid_t> find_group(const std::string& name) {
  std::vector<char> memory(4096);
  while (true) {
    group entry{};
    group* found = nullptr;
    const int error = ::getgrnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found);
    if (error == ERANGE && memory.size() < (std::size_t{1} << 24)) {
      memory.resize(memory.size() * 2);  // a group with many members
      continue;
    }
    if (error != 0 || found == nullptr) return std::nullopt;
    return entry.gr_gid;
  }
}

Result<UniqueFd> listen_on(const std::filesystem::path& path, std::optional<gid_t> group) {
  const auto address = address_of(path);
  if (!address) return std::unexpected(address.error());
  if (auto made = make_folder(path.parent_path()); !made) return std::unexpected(made.error());
  if (auto removed = remove_stale(path, *address); !removed)
    return std::unexpected(removed.error());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return fail_errno("cannot make a socket", errno);
  // bind() takes the file's mode from the descriptor, so others can connect at no moment.
  if (::fchmod(fd.get(), 0600) != 0) return fail_errno("cannot protect the socket", errno);
  if (::bind(fd.get(), generic(*address), sizeof(*address)) != 0)
    return fail_errno(fmt::format("cannot make the socket {}", path.native()), errno);
  if (::listen(fd.get(), kBacklog) != 0)
    return fail_errno(fmt::format("cannot listen on {}", path.native()), errno);
  if (auto admitted = admit_group(path, group); !admitted) return std::unexpected(admitted.error());
  return fd;
}

Result<void> admit_group(const std::filesystem::path& path, std::optional<gid_t> group) {
  // Closed to all groups first: the old one's members must not pass for those of the new one.
  if (::chmod(path.c_str(), 0600) != 0)
    return fail_errno(fmt::format("cannot protect {}", path.native()), errno);
  // Not every file system has such lists: then there is none.
  if (::removexattr(path.c_str(), "system.posix_acl_access") != 0 && errno != ENODATA &&
      errno != EOPNOTSUPP)
    return fail_errno(fmt::format("cannot take the former readers off {}", path.native()), errno);
  if (!group) return {};
  if (::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0 ||
      ::chmod(path.c_str(), 0660) != 0) {
    const int error = errno;
    auto failed =
        fail_errno(fmt::format("cannot give {} to group {}", path.native(), *group), error);
    if (error == EPERM && ::geteuid() != 0)
      failed.error().message +=
          "; the daemon's user must be in that group: adduser floodwall GROUP, then restart it";
    return failed;
  }
  return {};
}

Result<void> admit_readers(const std::filesystem::path& path, const Groups& groups) {
  if (!groups.reading || groups.reading == groups.all) return {};
  const std::string wanted =
      fmt::format("u::rw,g::{},g:{}:rw,m::rw,o::---", groups.all ? "rw" : "---", *groups.reading);
  const std::unique_ptr<void, int (*)(void*)> list(::acl_from_text(wanted.c_str()), ::acl_free);
  if (!list || ::acl_set_file(path.c_str(), ACL_TYPE_ACCESS, static_cast<acl_t>(list.get())) != 0)
    return fail_errno(
        fmt::format("cannot let group {} read from {}", *groups.reading, path.native()), errno);
  return {};
}

Peer peer_of(int fd, const Groups& groups) {
  Peer peer;
  peer.uid = static_cast<uid_t>(-1);
  peer.gid = static_cast<gid_t>(-1);
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return peer;
  peer.uid = credentials.uid;
  peer.gid = credentials.gid;
  peer.pid = credentials.pid;
  peer.allowed = peer.uid == 0;
  if (peer.uid == 0) return peer;
  std::vector<gid_t> found(64);
  size = static_cast<socklen_t>(found.size() * sizeof(gid_t));
  bool known = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, found.data(), &size) == 0;
  if (!known && errno == ERANGE) {
    found.resize(size / sizeof(gid_t));  // the kernel said how much it wants
    known = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, found.data(), &size) == 0;
  }
  found.resize(known ? size / sizeof(gid_t) : 0);
  peer.groups = std::move(found);
  const auto is_in = [&](std::optional<gid_t> group) {
    return group &&
           (peer.gid == *group || std::ranges::find(peer.groups, *group) != peer.groups.end());
  };
  const bool all = is_in(groups.all);
  peer.allowed = all || is_in(groups.reading);
  peer.read_only = !all;
  return peer;
}

}  // namespace fw::control
