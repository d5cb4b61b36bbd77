// SPDX-License-Identifier: MIT
// The IP protocols without ports that this host takes from anybody: those of its tunnels, of its
// IPsec states, and of daemons with raw sockets (OSPF, VRRP and others).
//
// Thread rule: free function without state.
#pragma once

#include <cstdint>
#include <set>

#include "host/network.hpp"

namespace fw::host {

// IANA numbers, without ICMP, TCP and UDP. What cannot be read is left out.
[[nodiscard]] std::set<std::uint8_t> taken_protocols(const Network& network);

}  // namespace fw::host
