// SPDX-License-Identifier: MIT
#include "host/protocols.hpp"

#include <linux/xfrm.h>

#include <netinet/in.h>

#include <cstdlib>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "host/netlink.hpp"

namespace fw::host {
namespace {

constexpr std::uint8_t kL2tp = 115;  // over IP; IANA

// The kinds of tunnel devices (rtnetlink's IFLA_INFO_KIND) and what they carry packets in. Those in
// UDP (VXLAN, GENEVE, WireGuard) have a port.
constexpr std::pair<std::string_view, std::uint8_t> kTunnels[] = {
    {"gre", IPPROTO_GRE},     {"gretap", IPPROTO_GRE},    {"erspan", IPPROTO_GRE},
    {"ip6gre", IPPROTO_GRE},  {"ip6gretap", IPPROTO_GRE}, {"ip6erspan", IPPROTO_GRE},
    {"ipip", IPPROTO_IPIP},   {"sit", IPPROTO_IPV6},      {"sit", IPPROTO_IPIP},
    {"ip6tnl", IPPROTO_IPV6}, {"ip6tnl", IPPROTO_IPIP},   {"vti", IPPROTO_ESP},
    {"vti6", IPPROTO_ESP},    {"xfrm", IPPROTO_ESP},      {"l2tpeth", kL2tp}};

void add_tunnels(const Network& network, std::set<std::uint8_t>& protocols) {
  for (const Interface& interface : network.interfaces)
    for (const auto& [kind, protocol] : kTunnels)
      // gre0, tunl0 and others come with the module, and are down unless somebody uses them.
      if (interface.up && interface.kind == kind) protocols.insert(protocol);
}

// The second column is "address:port" in hexadecimal; the port of a raw socket is its protocol.
void add_raw_sockets(const char* file, std::set<std::uint8_t>& protocols) {
  std::ifstream table(file);
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    const std::size_t port = line.find(':', line.find(':') + 1);
    if (port == std::string::npos) continue;
    const unsigned long protocol = std::strtoul(line.c_str() + port + 1, nullptr, 16);
    if (protocol > 0 && protocol < IPPROTO_RAW)
      protocols.insert(static_cast<std::uint8_t>(protocol));
  }
}

void add_ipsec(std::set<std::uint8_t>& protocols) {
  auto netlink = Netlink::open(NETLINK_XFRM);
  if (!netlink) return;
  const xfrm_usersa_id all{};
  const auto add = [&protocols](const nlmsghdr& message) {
    if (message.nlmsg_type == XFRM_MSG_NEWSA) protocols.insert({IPPROTO_ESP, IPPROTO_AH});
  };
  (void)netlink->dump(XFRM_MSG_GETSA, std::as_bytes(std::span(&all, 1)), add);
}

// The first line has the names of the columns, each further one is an endpoint.
void add_sctp(std::set<std::uint8_t>& protocols) {
  std::ifstream endpoints("/proc/thread-self/net/sctp/eps");
  std::string line;
  std::getline(endpoints, line);
  if (std::getline(endpoints, line)) protocols.insert(IPPROTO_SCTP);
}

}  // namespace

std::set<std::uint8_t> taken_protocols(const Network& network) {
  std::set<std::uint8_t> protocols;
  add_tunnels(network, protocols);
  add_raw_sockets("/proc/thread-self/net/raw", protocols);
  add_raw_sockets("/proc/thread-self/net/raw6", protocols);
  add_ipsec(protocols);
  add_sctp(protocols);
  for (const int other : {+IPPROTO_ICMP, +IPPROTO_ICMPV6, +IPPROTO_TCP, +IPPROTO_UDP})
    protocols.erase(static_cast<std::uint8_t>(other));
  return protocols;
}

}  // namespace fw::host
