// SPDX-License-Identifier: MIT
// The conversations that this host is in, asked of the kernel (sock_diag) for the caller's network
// namespace. Addresses are canonical: a mapped IPv4 address is the IPv4 address.
//
// Thread rule: free functions without state.
#pragma once

#include <cstdint>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"

namespace fw::host {

struct Socket {
  Address local{}, remote{};
  std::uint16_t local_port = 0, remote_port = 0;  // in host order
  std::uint8_t proto = 0;                         // IANA number
  std::uint64_t inode = 0;          // as in /proc/PID/fd: "socket:[inode]"; 0: no process holds it
  std::uint32_t receive_bytes = 0;  // what may wait in it for its program, SO_RCVBUF; 0: unknown
};

// TCP connections whose handshake is complete and that still carry data in some direction, and
// connected UDP sockets; those over loopback included. Fails when the kernel does not answer for
// TCP; without its module for UDP there are none of UDP.
[[nodiscard]] Result<std::vector<Socket>> conversations();

// TCP sockets that wait for connections; `remote` is unspecified.
[[nodiscard]] Result<std::vector<Socket>> tcp_listeners();

// Those, and UDP sockets that hear whoever writes to their port: servers, and clients that did not
// connect theirs. Errors as of conversations().
[[nodiscard]] Result<std::vector<Socket>> listeners();

}  // namespace fw::host
