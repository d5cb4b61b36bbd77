// SPDX-License-Identifier: MIT
#include "host/policy_routing.hpp"

#include <linux/fib_rules.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <span>

namespace fw::host {

namespace {

constexpr std::size_t kMaxGroup = 512;  // members that are looked at; judgement

std::optional<unsigned> number_of(const nlattr& attribute) {
  if (mnl_attr_get_payload_len(&attribute) < sizeof(unsigned)) return std::nullopt;
  return mnl_attr_get_u32(&attribute);
}

template <typename Header>
const Header* header_of(const nlmsghdr& message, unsigned type) {
  if (message.nlmsg_type != type || mnl_nlmsg_get_payload_len(&message) < sizeof(Header))
    return nullptr;
  return static_cast<const Header*>(mnl_nlmsg_get_payload(&message));
}

void read_rule(const nlmsghdr& message, LookedUp& to) {
  const auto* header = header_of<fib_rule_hdr>(message, RTM_NEWRULE);
  if (header == nullptr || header->action != FR_ACT_TO_TBL) return;
  unsigned table = header->table;
  bool l3mdev = false;
  for_each_attribute(message, sizeof *header, [&](const nlattr& attribute) {
    if (mnl_attr_get_type(&attribute) == FRA_TABLE) table = number_of(attribute).value_or(table);
    if (mnl_attr_get_type(&attribute) == FRA_L3MDEV) l3mdev = true;
  });
  const bool v4 = header->family == AF_INET;
  if (l3mdev)
    (v4 ? to.l3mdev_v4 : to.l3mdev_v6) = true;
  else
    (v4 ? to.tables_v4 : to.tables_v6).insert(table);
}

struct Object {
  NextHop hop;
  std::vector<unsigned> members;  // of a group
};

void read_object(const nlmsghdr& message, std::map<unsigned, Object>& objects) {
  const auto* header = header_of<nhmsg>(message, RTM_NEWNEXTHOP);
  if (header == nullptr) return;
  unsigned id = 0;
  Object object;
  for_each_attribute(message, sizeof *header, [&](const nlattr& attribute) {
    const auto* bytes = static_cast<const unsigned char*>(mnl_attr_get_payload(&attribute));
    const std::size_t length = mnl_attr_get_payload_len(&attribute);
    switch (mnl_attr_get_type(&attribute)) {
      case NHA_ID:
        id = number_of(attribute).value_or(0);
        break;
      case NHA_OIF:
        object.hop.index = number_of(attribute).value_or(0);
        break;
      case NHA_GATEWAY:
        if (length != 4 && length != 16) break;
        object.hop.has_gateway = true;
        object.hop.gateway = length == 16 ? Address::from_bytes(bytes)
                                          : Address::v4(std::uint32_t{bytes[0]} << 24 |
                                                        std::uint32_t{bytes[1]} << 16 |
                                                        std::uint32_t{bytes[2]} << 8 | bytes[3]);
        break;
      case NHA_GROUP:
        for (std::size_t at = 0; at + sizeof(nexthop_grp) <= length; at += sizeof(nexthop_grp)) {
          nexthop_grp member{};
          std::memcpy(&member, bytes + at, sizeof member);
          if (object.members.size() < kMaxGroup) object.members.push_back(member.id);
        }
        break;
      default:
        break;
    }
  });
  if (id != 0) objects[id] = std::move(object);
}

}  // namespace

Result<LookedUp> read_rules(Netlink& netlink) {
  LookedUp found;
  const fib_rule_hdr every_family{};
  const auto done = netlink.dump(RTM_GETRULE, std::as_bytes(std::span(&every_family, 1)),
                                 [&](const nlmsghdr& message) { read_rule(message, found); });
  if (!done && netlink.error_number() != EOPNOTSUPP) return std::unexpected(done.error());
  for (std::set<unsigned>* tables : {&found.tables_v4, &found.tables_v6})
    if (tables->empty()) *tables = {RT_TABLE_MAIN, RT_TABLE_DEFAULT};
  return found;
}

Result<NextHops> read_next_hops(Netlink& netlink) {
  std::map<unsigned, Object> objects;
  const nhmsg every_family{};
  const auto done = netlink.dump(RTM_GETNEXTHOP, std::as_bytes(std::span(&every_family, 1)),
                                 [&](const nlmsghdr& message) { read_object(message, objects); });
  if (!done && netlink.error_number() != EOPNOTSUPP) return std::unexpected(done.error());
  NextHops hops;
  for (const auto& [id, object] : objects) {
    if (object.members.empty()) hops[id].push_back(object.hop);
    for (const unsigned member : object.members)
      if (const auto at = objects.find(member); at != objects.end())
        hops[id].push_back(at->second.hop);
  }
  return hops;
}

}  // namespace fw::host
