// SPDX-License-Identifier: MIT
// The automatic exemptions: addresses that keep this host on the network and its operator logged
// in, each with the reason in words. Nobody has to list them.
//
// Thread rule: free functions without state.
#pragma once

#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"
#include "host/guarded_facts.hpp"
#include "host/network.hpp"
#include "host/resolvers.hpp"
#include "host/ssh.hpp"

namespace fw::host {

// Which kinds of address are exempt: [exempt] of the configuration.
struct ExemptKinds {
  bool own_addresses = true, gateway = true, dns = true, dhcp = true, operator_sessions = true;
};

struct ExemptAddress {
  Address address;
  std::string why;   // "default gateway, DHCP server"
  bool own = false;  // of this host itself

  bool operator==(const ExemptAddress&) const = default;
};

// What this host's own files and kernel say about it.
struct HostFacts {
  Network network;
  std::vector<NetworkServer> dns, dhcp;
  SshFacts ssh;
  std::vector<Address> operators;  // peers of its sessions
};

// Reads everything; takes some milliseconds. Fails only if the network cannot be read.
[[nodiscard]] Result<HostFacts> read_facts(const HostFactPaths& paths = {});

// Sorted by address, each once, without special addresses (base/address.hpp) other than link-local
// ones: an IPv6 gateway often has no other.
[[nodiscard]] std::vector<ExemptAddress> exemptions(const HostFacts& facts,
                                                    const ExemptKinds& kinds);

// A network of this host, one of its addresses, or a gateway.
struct OwnPrefix {
  Prefix prefix;
  std::string what;  // "your default gateway 192.0.2.1"
};
// Without loopback and link-local networks, which nobody reaches through a list.
[[nodiscard]] std::vector<OwnPrefix> own_prefixes(const Network& network);

}  // namespace fw::host
