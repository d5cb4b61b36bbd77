// SPDX-License-Identifier: MIT
// The sockets of the caller's network namespace, read from the kernel (sock_diag): connections and
// listeners. A mapped IPv4 address is returned as the IPv4 address.
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
  std::uint32_t receive_bytes = 0;  // size of its receive buffer (SO_RCVBUF); 0: unknown
  // What waits for its program, and how much may: bytes, or of a listening TCP socket connections.
  std::uint32_t queued = 0, queue_limit = 0;
  std::uint32_t drops = 0;  // packets or connections that found no room; wraps around
};

// TCP connections whose handshake is complete and that can still carry data in some direction, and
// connected UDP sockets; loopback included. Fails if the kernel does not answer for TCP; without
// the kernel's udp_diag module there are no UDP sockets in it.
[[nodiscard]] Result<std::vector<Socket>> connected_sockets();

// Listening TCP sockets; `remote` is unspecified.
[[nodiscard]] Result<std::vector<Socket>> tcp_listeners();

// Listening TCP sockets and unconnected UDP sockets, which receive from anybody: servers, and
// clients that did not connect theirs. Errors as of connected_sockets().
[[nodiscard]] Result<std::vector<Socket>> listeners();

}  // namespace fw::host
