// SPDX-License-Identifier: MIT
// Collects the reasons of each exempt address in one map.
#include "host/exemptions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace fw::host {

namespace {

using Reasons = std::map<Address, std::vector<std::string>>;

void add(Reasons& reasons, const Address& address, std::string why) {
  if (!may_be_peer(address)) return;  // an IPv6 gateway is often link-local
  auto& of_address = reasons[address];
  if (std::ranges::find(of_address, why) == of_address.end()) of_address.push_back(std::move(why));
}

}  // namespace

Result<HostFacts> read_facts(const HostFactPaths& paths) {
  auto network = read_network();
  if (!network) return std::unexpected(std::move(network.error()));
  GuardedFacts guarded = guarded_facts(paths);
  std::vector<Address> operators = guarded.ssh.operators();
  return HostFacts{.network = std::move(*network),
                   .dns = dns_servers(paths.resolvers),
                   .dhcp = std::move(guarded.dhcp),
                   .ssh = std::move(guarded.ssh),
                   .operators = std::move(operators)};
}

std::vector<ExemptAddress> exemptions(const HostFacts& facts, const ExemptKinds& kinds) {
  Reasons reasons;
  if (kinds.own_addresses)
    for (const Interface& interface : facts.network.interfaces)
      for (const InterfaceAddress& own : interface.addresses)
        add(reasons, own.address, fmt::format("this host's own address ({})", interface.name));
  if (kinds.gateway)
    for (const DefaultRoute& route : facts.network.default_routes)
      if (route.has_gateway) add(reasons, route.gateway, "default gateway");
  if (kinds.dns)
    for (const NetworkServer& server : facts.dns)
      add(reasons, server.address, fmt::format("DNS server ({})", server.source.native()));
  if (kinds.dhcp)
    for (const NetworkServer& server : facts.dhcp) add(reasons, server.address, "DHCP server");
  if (kinds.operator_sessions)
    for (const Address& peer : facts.operators) add(reasons, peer, "SSH session of the operator");

  std::set<Address> own;
  if (kinds.own_addresses)
    for (const Interface& interface : facts.network.interfaces)
      for (const InterfaceAddress& each : interface.addresses) own.insert(each.address);
  std::vector<ExemptAddress> list;
  for (const auto& [address, why] : reasons)
    list.push_back({address, fmt::format("{}", fmt::join(why, ", ")), own.contains(address)});
  return list;
}

std::vector<OwnPrefix> own_prefixes(const Network& network) {
  std::vector<OwnPrefix> own;
  for (const DefaultRoute& route : network.default_routes)
    if (route.has_gateway)
      own.push_back({{.address = route.gateway, .bits = 128},
                     fmt::format("your default gateway {}", route.gateway.text())});
  for (const Interface& interface : network.interfaces)
    for (const InterfaceAddress& each : interface.addresses) {
      if (is_special(each.address)) continue;
      own.push_back(
          {{.address = each.address, .bits = 128},
           fmt::format("this host's own address {} ({})", each.address.text(), interface.name)});
      const Prefix network_of{.address = masked(each.address, each.bits), .bits = each.bits};
      own.push_back({network_of, fmt::format("{}, a network of this host ({})", network_of.text(),
                                             interface.name)});
    }
  return own;
}

}  // namespace fw::host
