// SPDX-License-Identifier: MIT
// The API's Unix socket, created with its final permissions, and the credentials of who connects.
// Plain system calls; used by the server only.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "control/dispatch.hpp"

namespace fw::control {

struct SocketOptions {
  std::filesystem::path path = "/run/floodwall/floodwall.sock";
  std::string group = "floodwall";  // may do what root may; need not exist
  std::string read_group{};         // may change nothing; need not exist, either
};

// Who may use the socket besides root. Who is in both groups may do everything.
struct Groups {
  std::optional<gid_t> all{};
  std::optional<gid_t> reading{};
};

// The group's number; none if there is no such group.
[[nodiscard]] std::optional<gid_t> find_group(const std::string& name);

// A listening, non-blocking stream socket. Creates the folder (0755). The socket is 0660
// root:group, or 0600 without a group. Replaces a socket on which nobody listens; fails if somebody
// does.
[[nodiscard]] Result<UniqueFd> listen_on(const std::filesystem::path& path,
                                         std::optional<gid_t> group);

// Whom the socket's file admits: root and the group's members, or root alone without a group.
[[nodiscard]] Result<void> admit_group(const std::filesystem::path& path,
                                       std::optional<gid_t> group);
// After admit_group(): the readers too, by an access control list, since a file has one group only.
// It takes no right but that of the file's owner. After an error they are not admitted.
[[nodiscard]] Result<void> admit_readers(const std::filesystem::path& path, const Groups& groups);

// From SO_PEERCRED and SO_PEERGROUPS: what the process was when it connected, so that neither a
// reused pid nor a slow user database matters. If the kernel does not say, nobody, who is not
// allowed.
[[nodiscard]] Peer peer_of(int fd, const Groups& groups);

}  // namespace fw::control
