// SPDX-License-Identifier: MIT
// Network notifications. An interface is identified by index and name, so that one which is
// replaced under the same name is seen, and so is one that was gone and came back with the same
// index.
#include "host/network_watch.hpp"

#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

namespace fw::host {

namespace {

constexpr unsigned group_bit(rtnetlink_groups group) {
  return 1U << (group - 1);
}
constexpr unsigned kGroups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                             RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE |
                             group_bit(RTNLGRP_IPV6_RULE) | group_bit(RTNLGRP_NEXTHOP);
// Bounds one drain() in a storm of notifications; the descriptor stays readable (judgement).
constexpr int kMaxReads = 64;

std::string name_in(const nlmsghdr& message) {
  std::string name;
  for_each_attribute(message, sizeof(ifinfomsg), [&name](const nlattr& attribute) {
    if (mnl_attr_get_type(&attribute) != IFLA_IFNAME) return;
    const auto* text = static_cast<const char*>(mnl_attr_get_payload(&attribute));
    name.assign(text, ::strnlen(text, mnl_attr_get_payload_len(&attribute)));
  });
  return name;
}

bool is_default_route(const nlmsghdr& message) {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(rtmsg)) return false;
  const auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message));
  return route->rtm_dst_len == 0 && (route->rtm_flags & RTM_F_CLONED) == 0;
}

}  // namespace

Result<NetworkWatch> NetworkWatch::open() {
  auto netlink = Netlink::open(NETLINK_ROUTE, kGroups);
  if (!netlink) return std::unexpected(std::move(netlink.error()));
  NetworkWatch watch(std::move(*netlink));
  // Read after the subscription, so that a change in between is seen twice and not missed.
  auto links = read_links();
  if (!links) return std::unexpected(std::move(links.error()));
  watch.names_ = std::move(links->names);
  return watch;
}

Result<NetworkWatch::Links> NetworkWatch::read_links() {
  auto netlink = Netlink::open(NETLINK_ROUTE);
  if (!netlink) return std::unexpected(std::move(netlink.error()));
  Links links;
  const ifinfomsg header{};
  const auto done =
      netlink->dump(RTM_GETLINK, std::as_bytes(std::span(&header, 1)),
                    [&links](const nlmsghdr& message) { (void)apply(message, links); });
  if (!done) return std::unexpected(done.error());
  return links;
}

// Updates `links`. True if the message is about something that a snapshot contains.
bool NetworkWatch::apply(const nlmsghdr& message, Links& links) {
  switch (message.nlmsg_type) {
    case RTM_NEWADDR:
    case RTM_DELADDR:
    case RTM_NEWRULE:
    case RTM_DELRULE:
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
      return true;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return is_default_route(message);
    case RTM_NEWLINK:
    case RTM_DELLINK:
      break;
    default:
      return false;
  }
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(ifinfomsg)) return false;
  const auto* link = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
  // Messages of family AF_BRIDGE are about the ports of a bridge: an interface that leaves a bridge
  // still exists.
  if (link->ifi_family != AF_UNSPEC) return false;
  if (message.nlmsg_type == RTM_DELLINK) {
    if (links.names.erase(link->ifi_index) != 0) links.left.insert(link->ifi_index);
  } else if (std::string name = name_in(message); !name.empty()) {
    links.names[link->ifi_index] = std::move(name);
  }
  return true;
}

NetworkChange NetworkWatch::drain() {
  NetworkChange change;
  Links now{.names = names_, .left = {}};
  bool overrun = false;
  for (int reads = 0; reads < kMaxReads; reads++) {
    const auto received = netlink_.receive(
        [&](const nlmsghdr& message) { change.changed = apply(message, now) || change.changed; });
    if (received == Netlink::Received::nothing) break;
    if (received == Netlink::Received::overrun) overrun = true;
  }
  if (overrun) {
    change.changed = true;
    // If this fails too, the old list stays until the next notification.
    if (auto links = read_links()) now.names = std::move(links->names);
  }
  const auto lacks = [&now](const auto& names, const auto& entry) {
    const auto found = names.find(entry.first);
    return found == names.end() || *found != entry || now.left.contains(entry.first);
  };
  for (const auto& entry : names_)
    if (lacks(now.names, entry)) change.disappeared.push_back(entry.second);
  for (const auto& entry : now.names)
    if (lacks(names_, entry)) change.appeared.push_back(entry.second);
  std::ranges::sort(change.disappeared);
  std::ranges::sort(change.appeared);
  names_ = std::move(now.names);
  return change;
}

}  // namespace fw::host
