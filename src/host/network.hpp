// SPDX-License-Identifier: MIT
// The interfaces, addresses and default routes of this host: a snapshot of the caller's network
// namespace, read from the kernel over rtnetlink. network_watch.hpp says when to read it again.
//
// Thread rule: free functions without state.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"

namespace fw::host {

struct InterfaceAddress {
  Address address;
  unsigned bits = 128;  // of its prefix, in the mapped form: an IPv4 /24 is 120
};

struct Interface {
  std::string name{};
  unsigned index = 0;
  bool up = false;       // switched on by the administrator
  bool running = false;  // and has a carrier
  bool loopback = false;
  unsigned mtu_bytes = 0;
  unsigned master_index = 0;                  // the bond, bridge or VRF it is part of; 0: none
  unsigned vrf_table = 0;                     // of a VRF: its routing table
  std::string kind{};                         // "veth", "bond", "vlan", ...; empty: hardware
  std::string driver{};                       // as ethtool names it: "virtio_net"; empty: not known
  std::vector<InterfaceAddress> addresses{};  // in the kernel's order, primary first
};

struct DefaultRoute {
  bool ipv6 = false;
  bool has_gateway = false;  // false: a point-to-point link
  Address gateway{};         // an IPv4 route may have an IPv6 gateway (RFC 5549)
  std::string interface{};
  unsigned metric = 0;  // lower is preferred
  unsigned table = 0;   // of policy routing; RT_TABLE_MAIN is 254
};

struct Network {
  std::vector<Interface> interfaces;         // by index
  std::vector<DefaultRoute> default_routes;  // main table first, IPv4 first, preferred first
  // The tables of policy routing that a rule looks up; where there are no other rules, these.
  std::set<unsigned> tables_v4{254, 253}, tables_v6{254};
};

// Fails only when the kernel does not answer.
[[nodiscard]] Result<Network> read_network();

// The interfaces that carry a default route of a table that a rule looks up: each once, the
// preferred one of the main table first.
[[nodiscard]] std::vector<std::string> uplinks(const Network& network);

}  // namespace fw::host
