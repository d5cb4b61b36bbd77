// SPDX-License-Identifier: MIT
// What the driver of an interface says of itself (ethtool's requests), which need no privilege.
//
// Thread rule: free functions without state.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace fw::host {

struct NetworkCard {
  // By the kernel's name ("rx-lro", "rx-gro-hw", "rx-vlan-hw-parse"): on or off. Only those that
  // the driver can switch are in `changeable`.
  std::map<std::string, bool> features{}, changeable{};
  unsigned queues = 0, most_queues = 0;  // that receive; 0: the driver does not say
  bool combined = false;                 // its queues receive and send: `ethtool -L IF combined N`
  unsigned ring = 0, most_ring = 0;      // packets in the ring of a receiving queue; 0: as above
  std::vector<unsigned> spread{};        // RSS: the queue of each hash value; empty: not known
  std::string strict_path{};             // net.ipv4.conf.IF.rp_filter; empty: unread
};

[[nodiscard]] NetworkCard read_network_card(const std::string& interface);

// Of each VLAN and macvlan interface, by index: the interface below it, which the frames come in
// by.
[[nodiscard]] std::map<unsigned, unsigned> lower_interfaces();

}  // namespace fw::host
