// SPDX-License-Identifier: MIT
// What stands in front of the IP header on an interface, by its ARPHRD type.
//
// Thread rule: free functions without state.
#pragma once

#include <string>

#include "base/error.hpp"

namespace fw::host {

enum class LinkHeader {
  ethernet,
  none,   // frames begin with the IP header: ppp, tun, WireGuard, IP tunnels
  other,  // InfiniBand, CAN, monitors of wireless networks, ...
};

struct LinkType {
  LinkHeader header = LinkHeader::other;
  unsigned arphrd = 0;  // linux/if_arp.h
};

// The type of an interface of the caller's network namespace. Fails if there is none of that name.
[[nodiscard]] Result<LinkType> link_type(const std::string& interface);

}  // namespace fw::host
