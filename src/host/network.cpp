// SPDX-License-Identifier: MIT
// A snapshot of the network: three dumps (links, addresses, routes) joined by interface index.
#include "host/network.hpp"

#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>

#include <libmnl/libmnl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <tuple>

#include "base/fd.hpp"
#include "host/netlink.hpp"
#include "host/policy_routing.hpp"

namespace fw::host {

namespace {

struct Route {
  DefaultRoute route;
  unsigned index = 0;     // of the interface
  unsigned next_hop = 0;  // the next-hop object that it leads to; 0: none
};

// Null when the message is too short for its fixed header.
template <typename Header>
const Header* header_of(const nlmsghdr& message) {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(Header)) return nullptr;
  return static_cast<const Header*>(mnl_nlmsg_get_payload(&message));
}

std::optional<Address> address_from(const unsigned char* bytes, std::size_t length_bytes) {
  if (length_bytes == 16) return Address::from_bytes(bytes);
  if (length_bytes != 4) return std::nullopt;
  return Address::v4(std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
                     std::uint32_t{bytes[2]} << 8 | bytes[3]);
}

std::optional<Address> address_of(const nlattr& attribute) {
  return address_from(static_cast<const unsigned char*>(mnl_attr_get_payload(&attribute)),
                      mnl_attr_get_payload_len(&attribute));
}

std::optional<unsigned> number_of(const nlattr& attribute) {
  if (mnl_attr_get_payload_len(&attribute) < sizeof(unsigned)) return std::nullopt;
  return mnl_attr_get_u32(&attribute);
}

std::string text_of(const nlattr& attribute) {
  const auto* text = static_cast<const char*>(mnl_attr_get_payload(&attribute));
  return {text, ::strnlen(text, mnl_attr_get_payload_len(&attribute))};
}

// Read by ioctl and not from /sys, which may show another network namespace.
std::string driver_of(int socket_fd, const std::string& name) {
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  ifreq request{};
  if (name.size() >= sizeof request.ifr_name) return {};
  std::memcpy(request.ifr_name, name.data(), name.size());
  request.ifr_data = reinterpret_cast<char*>(&info);
  if (::ioctl(socket_fd, SIOCETHTOOL, &request) != 0) return {};
  return {info.driver, ::strnlen(info.driver, sizeof info.driver)};
}

std::optional<Interface> read_link(const nlmsghdr& message) {
  const auto* header = header_of<ifinfomsg>(message);
  if (message.nlmsg_type != RTM_NEWLINK || header == nullptr) return std::nullopt;
  Interface link;
  link.index = static_cast<unsigned>(header->ifi_index);
  link.up = (header->ifi_flags & IFF_UP) != 0;
  link.running = link.up && (header->ifi_flags & IFF_RUNNING) != 0;
  link.loopback = (header->ifi_flags & IFF_LOOPBACK) != 0;
  const nlattr* data = nullptr;  // what it says depends on the kind
  for_each_attribute(message, sizeof *header, [&link, &data](const nlattr& attribute) {
    switch (mnl_attr_get_type(&attribute)) {
      case IFLA_IFNAME:
        link.name = text_of(attribute);
        break;
      case IFLA_MTU:
        link.mtu_bytes = number_of(attribute).value_or(0);
        break;
      case IFLA_MASTER:
        link.master_index = number_of(attribute).value_or(0);
        break;
      case IFLA_LINKINFO:
        for_each_nested(attribute, [&link, &data](const nlattr& inner) {
          if (mnl_attr_get_type(&inner) == IFLA_INFO_KIND) link.kind = text_of(inner);
          if (mnl_attr_get_type(&inner) == IFLA_INFO_DATA) data = &inner;
        });
        break;
      default:
        break;
    }
  });
  if (link.name.empty()) return std::nullopt;
  if (link.kind == "vrf" && data != nullptr)
    for_each_nested(*data, [&link](const nlattr& inner) {
      if (mnl_attr_get_type(&inner) == IFLA_VRF_TABLE)
        link.vrf_table = number_of(inner).value_or(0);
    });
  return link;
}

void read_address(const nlmsghdr& message, std::vector<Interface>& interfaces) {
  const auto* header = header_of<ifaddrmsg>(message);
  if (message.nlmsg_type != RTM_NEWADDR || header == nullptr) return;
  std::optional<Address> local;
  std::optional<Address> address;
  for_each_attribute(message, sizeof *header, [&](const nlattr& attribute) {
    // On a point-to-point link IFA_ADDRESS is the peer's address and IFA_LOCAL this host's. IPv6
    // may have IFA_ADDRESS only, which is then this host's.
    if (mnl_attr_get_type(&attribute) == IFA_LOCAL) local = address_of(attribute);
    if (mnl_attr_get_type(&attribute) == IFA_ADDRESS) address = address_of(attribute);
  });
  const auto own = local ? local : address;
  const auto link = std::ranges::find(interfaces, header->ifa_index, &Interface::index);
  if (!own || link == interfaces.end()) return;
  const unsigned bits = header->ifa_prefixlen + (header->ifa_family == AF_INET ? 96U : 0U);
  link->addresses.push_back({*own, bits});
}

void set_gateway(Route& to, const nlattr& attribute) {
  std::optional<Address> gateway;
  if (mnl_attr_get_type(&attribute) == RTA_GATEWAY) gateway = address_of(attribute);
  if (mnl_attr_get_type(&attribute) == RTA_VIA) {  // struct rtvia: a family, then the address
    const std::size_t length = mnl_attr_get_payload_len(&attribute);
    const auto* bytes = static_cast<const unsigned char*>(mnl_attr_get_payload(&attribute));
    if (length > sizeof(rtvia))
      gateway = address_from(bytes + sizeof(rtvia), length - sizeof(rtvia));
  }
  if (!gateway) return;
  to.route.gateway = *gateway;
  to.route.has_gateway = true;
}

// Every next hop of a multipath route counts as a route of its own.
void read_next_hops(const nlattr& multipath, const Route& common, std::vector<Route>& routes) {
  const auto* at = static_cast<const std::byte*>(mnl_attr_get_payload(&multipath));
  std::size_t left = mnl_attr_get_payload_len(&multipath);
  while (left >= sizeof(rtnexthop)) {
    rtnexthop hop{};
    std::memcpy(&hop, at, sizeof hop);
    if (hop.rtnh_len < sizeof hop || hop.rtnh_len > left) return;
    Route route = common;
    route.index = static_cast<unsigned>(hop.rtnh_ifindex);
    const std::byte* end = at + hop.rtnh_len;
    for (const std::byte* inner = at + RTNH_LENGTH(0); inner < end;) {
      const auto* attribute = reinterpret_cast<const nlattr*>(inner);
      if (!mnl_attr_ok(attribute, static_cast<int>(end - inner))) break;
      set_gateway(route, *attribute);
      inner += MNL_ALIGN(attribute->nla_len);
    }
    routes.push_back(route);
    const std::size_t step = std::min<std::size_t>(left, RTNH_ALIGN(hop.rtnh_len));
    at += step;
    left -= step;
  }
}

void read_route(const nlmsghdr& message, std::vector<Route>& routes) {
  const auto* header = header_of<rtmsg>(message);
  if (message.nlmsg_type != RTM_NEWROUTE || header == nullptr) return;
  if (header->rtm_family != AF_INET && header->rtm_family != AF_INET6) return;
  if (header->rtm_dst_len != 0 || header->rtm_type != RTN_UNICAST ||
      (header->rtm_flags & RTM_F_CLONED) != 0)
    return;
  Route route;
  route.route.ipv6 = header->rtm_family == AF_INET6;
  route.route.table = header->rtm_table;
  std::vector<const nlattr*> multipath;
  for_each_attribute(message, sizeof *header, [&](const nlattr& attribute) {
    switch (mnl_attr_get_type(&attribute)) {
      case RTA_OIF:
        route.index = number_of(attribute).value_or(0);
        break;
      case RTA_PRIORITY:
        route.route.metric = number_of(attribute).value_or(0);
        break;
      case RTA_TABLE:
        route.route.table = number_of(attribute).value_or(route.route.table);
        break;
      case RTA_NH_ID:
        route.next_hop = number_of(attribute).value_or(0);
        break;
      case RTA_MULTIPATH:
        multipath.push_back(&attribute);
        break;
      default:
        set_gateway(route, attribute);
    }
  });
  if (route.index != 0 || (route.next_hop != 0 && multipath.empty())) routes.push_back(route);
  for (const nlattr* hops : multipath) read_next_hops(*hops, route, routes);
}

Result<void> read_interfaces(Netlink& netlink, std::vector<Interface>& interfaces) {
  const ifinfomsg links{};
  const auto read = [&interfaces](const nlmsghdr& message) {
    if (auto link = read_link(message)) interfaces.push_back(std::move(*link));
  };
  if (auto done = netlink.dump(RTM_GETLINK, std::as_bytes(std::span(&links, 1)), read); !done)
    return done;
  std::ranges::sort(interfaces, {}, &Interface::index);

  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket.valid())
    for (Interface& link : interfaces) link.driver = driver_of(socket.get(), link.name);

  const ifaddrmsg addresses{};
  return netlink.dump(RTM_GETADDR, std::as_bytes(std::span(&addresses, 1)),
                      [&](const nlmsghdr& message) { read_address(message, interfaces); });
}

Result<void> read_routes(Netlink& netlink, std::vector<Route>& routes) {
  const rtmsg every_family{};
  auto done = netlink.dump(RTM_GETROUTE, std::as_bytes(std::span(&every_family, 1)),
                           [&routes](const nlmsghdr& message) { read_route(message, routes); });
  // With nexthop_compat_mode = 0 (sysctl) the kernel names the object, and no interface.
  const auto is_unresolved = [](const Route& route) { return route.index == 0; };
  if (!done || std::ranges::none_of(routes, is_unresolved)) return done;
  const auto hops = read_next_hops(netlink);
  if (!hops) return std::unexpected(hops.error());
  std::vector<Route> resolved;
  for (const Route& route : routes) {
    const auto objects = hops->find(route.next_hop);
    if (!is_unresolved(route) || objects == hops->end()) {
      resolved.push_back(route);
      continue;
    }
    for (const NextHop& hop : objects->second) {
      Route& one = resolved.emplace_back(route);
      one.index = hop.index;
      one.route.has_gateway = hop.has_gateway;
      one.route.gateway = hop.gateway;
    }
  }
  routes = std::move(resolved);
  return {};
}

Result<void> read_tables(Netlink& netlink, Network& network) {
  auto rules = read_rules(netlink);
  if (!rules) return std::unexpected(rules.error());
  for (const Interface& each : network.interfaces) {
    if (each.vrf_table == 0) continue;
    if (rules->l3mdev_v4) rules->tables_v4.insert(each.vrf_table);
    if (rules->l3mdev_v6) rules->tables_v6.insert(each.vrf_table);
  }
  network.tables_v4 = std::move(rules->tables_v4);
  network.tables_v6 = std::move(rules->tables_v6);
  return {};
}

}  // namespace

Result<Network> read_network() {
  auto netlink = Netlink::open(NETLINK_ROUTE);
  if (!netlink) return std::unexpected(std::move(netlink.error()));
  Network network;
  if (auto done = read_interfaces(*netlink, network.interfaces); !done)
    return std::unexpected(std::move(done.error()));
  if (auto done = read_tables(*netlink, network); !done)
    return std::unexpected(std::move(done.error()));
  std::vector<Route> routes;
  if (auto done = read_routes(*netlink, routes); !done)
    return std::unexpected(std::move(done.error()));

  std::ranges::stable_sort(routes, {}, [](const Route& r) {
    return std::tuple(r.route.table != RT_TABLE_MAIN, r.route.table, r.route.ipv6, r.route.metric,
                      r.index);
  });
  for (Route& route : routes) {
    const auto link = std::ranges::find(network.interfaces, route.index, &Interface::index);
    if (link == network.interfaces.end()) continue;
    route.route.interface = link->name;
    network.default_routes.push_back(std::move(route.route));
  }
  return network;
}

std::vector<std::string> uplinks(const Network& network) {
  std::vector<std::string> names;
  for (const DefaultRoute& route : network.default_routes) {
    if (!(route.ipv6 ? network.tables_v6 : network.tables_v4).contains(route.table)) continue;
    if (std::ranges::find(names, route.interface) == names.end()) names.push_back(route.interface);
  }
  return names;
}

}  // namespace fw::host
