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
  std::string group = "floodwall";  // may use the socket, as root may; need not exist
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

// From SO_PEERCRED and SO_PEERGROUPS: what the process was when it connected, so that neither a
// reused pid nor a slow user database matters. If the kernel does not say, nobody, who is not
// allowed.
[[nodiscard]] Peer peer_of(int fd, std::optional<gid_t> group);

}  // namespace fw::control
