// SPDX-License-Identifier: MIT
// Whom Floodwall must never harm without anybody listing them: the addresses that keep this host on
// the network and its operator logged in, each with the reason in words.
//
// Thread rule: free functions without state.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"
#include "host/network.hpp"
#include "host/resolvers.hpp"

namespace fw::host {

// What is to be exempt: [exempt] of the configuration.
struct ExemptKinds {
  bool own_addresses = true, gateway = true, dns = true, dhcp = true, operator_sessions = true;
};

struct Exemption {
  Address address;
  std::string why;  // "default gateway, DHCP server"

  bool operator==(const Exemption&) const = default;
};

// All that is known of this host.
struct Facts {
  Network network;
  std::vector<Server> dns, dhcp;
  std::vector<Address> operators;  // peers of SSH sessions
};

struct FactPaths {
  ResolverPaths resolvers;
  std::filesystem::path proc_root = "/proc";
};

// Reads everything anew; takes some milliseconds. Fails only if the network cannot be read.
[[nodiscard]] Result<Facts> gather(const FactPaths& paths = {});

// Sorted by address, each once. Loopback, unspecified, multicast and broadcast addresses never are
// among them; link-local ones are (an IPv6 gateway has no other).
[[nodiscard]] std::vector<Exemption> exemptions(const Facts& facts, const ExemptKinds& kinds);

}  // namespace fw::host
