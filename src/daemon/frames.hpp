// SPDX-License-Identifier: MIT
// Frames as they arrive here, for asking the policy what it would do with them. Ethernet and IP
// without options; checksums are zero, since the policy reads none.
//
// Thread rule: free functions without state.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/address.hpp"

namespace fw::daemon {

using Frame = std::vector<std::uint8_t>;

struct Endpoint {
  Address address;
  std::uint16_t port = 0;  // in host order
};

enum TcpFlags : std::uint8_t { kSyn = 0x02, kPush = 0x08, kAck = 0x10 };

struct Segment {
  std::uint8_t flags = 0;
  std::uint32_t number = 0, acknowledged = 0;
  std::uint16_t payload_bytes = 0;
};

// Both ends are of one family.
[[nodiscard]] Frame tcp_frame(const Endpoint& from, const Endpoint& to, const Segment& segment);
[[nodiscard]] Frame udp_frame(const Endpoint& from, const Endpoint& to,
                              std::span<const std::uint8_t> payload);
// "Fragmentation needed" or "packet too big" from `router`, about a packet that `local` sent by
// TCP.
[[nodiscard]] Frame too_big_frame(const Address& router, const Endpoint& local,
                                  const Endpoint& remote);
// The answer to this host's echo request.
[[nodiscard]] Frame echo_reply_frame(const Address& from, const Address& to);
[[nodiscard]] Frame echo_request_frame(const Address& from, const Address& to);
// What resolves the address of a neighbour: an ARP answer, or a neighbour advertisement.
[[nodiscard]] Frame neighbour_frame(const Address& from, const Address& to);

}  // namespace fw::daemon
