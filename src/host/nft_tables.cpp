// SPDX-License-Identifier: MIT
#include "host/nft_tables.hpp"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <string_view>

#include "base/fd.hpp"
#include "host/netlink.hpp"

namespace fw::host {

namespace {

std::string_view family_name(unsigned family) {
  switch (family) {
    case NFPROTO_IPV4:
      return "ip";
    case NFPROTO_IPV6:
      return "ip6";
    case NFPROTO_INET:
      return "inet";
    case NFPROTO_ARP:
      return "arp";
    case NFPROTO_BRIDGE:
      return "bridge";
    case NFPROTO_NETDEV:
      return "netdev";
    default:
      return "unknown";
  }
}

}  // namespace

// By their rules: a table without any does nothing.
Result<std::vector<std::string>> nft_tables() {
  const UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  std::vector<std::string> tables;
  if (!socket.valid() && errno == EPROTONOSUPPORT) return tables;
  auto netlink = Netlink::open(NETLINK_NETFILTER);
  if (!netlink) return std::unexpected(std::move(netlink.error()));
  const nfgenmsg all{.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = 0};
  const auto read = [&tables](const nlmsghdr& rule) {
    if (mnl_nlmsg_get_payload_len(&rule) < sizeof(nfgenmsg)) return;
    const auto* header = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(&rule));
    std::string name(family_name(header->nfgen_family));
    bool ours = false;
    for_each_attribute(rule, sizeof(nfgenmsg), [&](const nlattr& attribute) {
      if (mnl_attr_get_type(&attribute) != NFTA_RULE_TABLE) return;
      ours = std::string_view(mnl_attr_get_str(&attribute)) == "floodwall";
      name += std::string(" ") + mnl_attr_get_str(&attribute);
    });
    if (!ours && std::ranges::find(tables, name) == tables.end()) tables.push_back(name);
  };
  const auto dumped = netlink->dump(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE,
                                    std::as_bytes(std::span(&all, 1)), read);
  if (dumped) return tables;
  const int error = netlink->error_number();
  if (error == EINVAL || error == EOPNOTSUPP || error == ENOENT) return tables;
  return std::unexpected(dumped.error());
}

}  // namespace fw::host
