// SPDX-License-Identifier: MIT
// Where the operators of this host are: the peers of its SSH sessions. The one thing to know: an
// exemption must not be had for the asking. A connection counts only after its user logged in
// (anybody can connect), a port only through a server of root (not because a user forwards it with
// ssh -R or calls a program sshd), and SSH_CONNECTION only if that connection stands.
//
// Thread rule: free functions without state.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "host/sockets.hpp"

namespace fw::host {

// Peers of logged-in connections to an SSH port of this host, and of the connection through which
// this very process was started; sorted, each once. Reads /proc (at most its first 8,192 processes,
// about 10 us each): call it on a refresh, not per event. Never fails: what cannot be read yields
// nothing.
[[nodiscard]] std::vector<Address> operator_sessions(
    const std::filesystem::path& proc_root = "/proc");

// A process that is named like an SSH server.
struct SshProcess {
  bool root = false;                 // its effective user
  bool session = false;              // serves one client: a child of a server, or sshd-session
  bool logged_in = false;            // that client has authenticated
  std::set<std::uint64_t> inodes{};  // of its sockets
};
[[nodiscard]] std::vector<SshProcess> ssh_processes(const std::filesystem::path& proc_root);

// The ports at which SSH servers take connections, also when systemd listens for them.
[[nodiscard]] std::set<std::uint16_t> ssh_ports(std::span<const SshProcess> processes,
                                                std::span<const Socket> listeners,
                                                std::span<const Socket> connections);

// "192.0.2.7 51234 198.51.100.1 22", the value that sshd puts into SSH_CONNECTION.
[[nodiscard]] std::optional<Socket> parse_ssh_connection(std::string_view text);

}  // namespace fw::host
