// SPDX-License-Identifier: MIT
// Reads nftables (and iptables-nft) by a dump of all rules, and legacy iptables by getsockopt().
#include "host/port_forwarding.hpp"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "host/netlink.hpp"

namespace fw::host {
namespace {

// ------------------------------------------------------------------- nftables

std::string_view text_of(const nlattr& attribute) {
  const auto* text = static_cast<const char*>(mnl_attr_get_payload(&attribute));
  return {text, strnlen(text, mnl_attr_get_payload_len(&attribute))};
}

bool is_new_destination(std::string_view target) {
  return target == "DNAT" || target == "REDIRECT" || target == "TPROXY";
}

// `name` and `data` are those of an expression.
bool forwards(std::string_view name, const nlattr& data) {
  if (name == "redir" || name == "tproxy") return true;
  bool found = false;
  for_each_nested(data, [&](const nlattr& part) {
    const unsigned type = mnl_attr_get_type(&part);
    if (name == "nat" && type == NFTA_NAT_TYPE && mnl_attr_get_payload_len(&part) == 4)
      found |= ntohl(mnl_attr_get_u32(&part)) == NFT_NAT_DNAT;
    if (name == "target" && type == NFTA_TARGET_NAME) found |= is_new_destination(text_of(part));
  });
  return found;
}

bool is_forwarding_rule(const nlmsghdr& rule) {
  bool found = false;
  const auto look_at_expression = [&](const nlattr& expression) {
    std::string_view name;
    const nlattr* data = nullptr;
    for_each_nested(expression, [&](const nlattr& part) {
      if (mnl_attr_get_type(&part) == NFTA_EXPR_NAME) name = text_of(part);
      if (mnl_attr_get_type(&part) == NFTA_EXPR_DATA) data = &part;
    });
    found |= data != nullptr && forwards(name, *data);
  };
  for_each_attribute(rule, sizeof(nfgenmsg), [&](const nlattr& attribute) {
    if (mnl_attr_get_type(&attribute) == NFTA_RULE_EXPRESSIONS)
      for_each_nested(attribute, look_at_expression);
  });
  return found;
}

Result<bool> nftables_forward() {
  const UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!socket.valid() && errno == EPROTONOSUPPORT) return false;
  auto netlink = Netlink::open(NETLINK_NETFILTER);
  if (!netlink) return std::unexpected(std::move(netlink.error()));
  const nfgenmsg all{.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = 0};
  bool found = false;
  const auto look = [&found](const nlmsghdr& rule) { found |= is_forwarding_rule(rule); };
  const auto dumped = netlink->dump(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE,
                                    std::as_bytes(std::span(&all, 1)), look);
  if (dumped) return found;
  // The errors of a kernel without nftables.
  const int error = netlink->error_number();
  if (error == EINVAL || error == EOPNOTSUPP || error == ENOENT) return false;
  return std::unexpected(dumped.error());
}

// ------------------------------------------------------------------- iptables

// From linux/netfilter_ipv4/ip_tables.h, the same for IPv6. Those headers do not compile as C++.
constexpr int kGetInfo = 64, kGetEntries = 65;
struct TableInfo {
  std::array<char, 32> name;
  unsigned valid_hooks, hook_entry[5], underflow[5], entry_count, size_bytes;
};
static_assert(sizeof(TableInfo) == 84);
struct TableEntries {
  std::array<char, 32> name;
  unsigned size_bytes;
  alignas(8) std::array<char, 8> first;
};
constexpr std::size_t kEntriesOffset = 40;
static_assert(offsetof(TableEntries, first) == kEntriesOffset);

struct Family {
  int family, level;
  const char* names;  // file with the names of the existing tables; missing without iptables
};

Result<bool> table_forwards(const Family& family, const char* table) {
  const UniqueFd socket(::socket(family.family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail_errno("cannot open a socket to read iptables", errno);
  TableInfo info{};
  std::strncpy(info.name.data(), table, info.name.size() - 1);
  socklen_t bytes = sizeof info;
  if (::getsockopt(socket.get(), family.level, kGetInfo, &info, &bytes) != 0)
    return fail_errno("cannot read the tables of iptables", errno);
  std::vector<char> entries(kEntriesOffset + info.size_bytes);
  std::memcpy(entries.data(), info.name.data(), info.name.size());
  std::memcpy(entries.data() + info.name.size(), &info.size_bytes, sizeof info.size_bytes);
  bytes = static_cast<socklen_t>(entries.size());
  if (::getsockopt(socket.get(), family.level, kGetEntries, entries.data(), &bytes) != 0)
    return fail_errno("cannot read the rules of iptables", errno);
  // A rule contains its target's name as a string with its own terminator.
  const std::string_view rules(entries.data() + kEntriesOffset, info.size_bytes);
  using namespace std::string_view_literals;
  for (const std::string_view target : {"DNAT\0"sv, "REDIRECT\0"sv, "TPROXY\0"sv})
    if (rules.find(target) != std::string_view::npos) return true;
  return false;
}

Result<bool> iptables_forward() {
  constexpr std::size_t kMostBytes = 4096;
  for (const Family& family : {Family{AF_INET, IPPROTO_IP, "/proc/net/ip_tables_names"},
                               Family{AF_INET6, IPPROTO_IPV6, "/proc/net/ip6_tables_names"}}) {
    const auto names = read_file(family.names, kMostBytes);
    if (!names) continue;
    for (const char* table : {"nat", "mangle"}) {
      if (("\n" + *names).find(std::string("\n") + table + "\n") == std::string::npos) continue;
      const Result<bool> forwards = table_forwards(family, table);
      if (!forwards || *forwards) return forwards;
    }
  }
  return false;
}

}  // namespace

Result<bool> forwards_ports() {
  const Result<bool> by_nftables = nftables_forward();
  if (!by_nftables || *by_nftables) return by_nftables;
  return iptables_forward();
}

}  // namespace fw::host
