// SPDX-License-Identifier: MIT
// The addresses of this host's operators: the peers of its SSH sessions. They become exempt, so
// that nobody may get on this list at will. A connection counts only after its user logged in, for
// anybody can connect. A port counts only if a server of root listens on it, for any user can
// forward a port with ssh -R or call a program sshd. SSH_CONNECTION counts only if that connection
// exists.
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

struct SshFacts {
  // Logged-in connections to an SSH port of this host, and the connection through which this
  // process was started.
  std::vector<Socket> sessions;
  std::set<std::uint16_t> ports;  // at which SSH servers accept connections

  // The peers of the sessions; sorted, each once.
  [[nodiscard]] std::vector<Address> operators() const;
};
// Reads /proc (at most its first 8,192 processes, about 10 us each), so call it on a refresh and
// not per event. Never fails: a process that cannot be read is skipped.
[[nodiscard]] SshFacts read_ssh(const std::filesystem::path& proc_root = "/proc");

// A process with the name of an SSH server.
struct SshProcess {
  bool root = false;                 // its effective user
  bool session = false;              // serves one client: a child of a server, or sshd-session
  bool logged_in = false;            // that client has authenticated
  std::set<std::uint64_t> inodes{};  // of its sockets
};
[[nodiscard]] std::vector<SshProcess> ssh_processes(const std::filesystem::path& proc_root);

// The ports at which SSH servers accept connections, also if systemd listens for them.
[[nodiscard]] std::set<std::uint16_t> ssh_ports(std::span<const SshProcess> processes,
                                                std::span<const Socket> listeners,
                                                std::span<const Socket> connections);

// "192.0.2.7 51234 198.51.100.1 22", the value that sshd puts into SSH_CONNECTION.
[[nodiscard]] std::optional<Socket> parse_ssh_connection(std::string_view text);

}  // namespace fw::host
