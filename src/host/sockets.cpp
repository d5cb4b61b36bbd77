// SPDX-License-Identifier: MIT
// sock_diag: one dump per family and protocol, filtered by state in the kernel.
#include "host/sockets.hpp"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "host/netlink.hpp"

namespace fw::host {

namespace {

constexpr unsigned bit(unsigned state) {
  return 1U << state;
}
constexpr unsigned kHandshakeDone = bit(TCP_ESTABLISHED) | bit(TCP_FIN_WAIT1) | bit(TCP_FIN_WAIT2) |
                                    bit(TCP_CLOSE_WAIT) | bit(TCP_LAST_ACK) | bit(TCP_CLOSING);

Address address_from(unsigned char family, const __be32 (&words)[4]) {
  if (family == AF_INET) return Address::v4(ntohl(words[0]));
  unsigned char bytes[sizeof words];
  std::memcpy(bytes, words, sizeof bytes);
  return Address::from_bytes(bytes);
}

// From the attribute with the socket's memory, by SK_MEMINFO_*.
using Memory = std::array<std::uint32_t, SK_MEMINFO_VARS>;
Memory memory_of(const nlmsghdr& message) {
  Memory memory{};
  for_each_attribute(message, sizeof(inet_diag_msg), [&memory](const nlattr& attribute) {
    if (mnl_attr_get_type(&attribute) == INET_DIAG_SKMEMINFO)
      std::memcpy(memory.data(), mnl_attr_get_payload(&attribute),
                  std::min<std::size_t>(sizeof memory, mnl_attr_get_payload_len(&attribute)));
  });
  return memory;
}

// Adds the sockets of one family and protocol in one of `states`.
Result<void> add_sockets(Netlink& netlink, std::pair<int, int> family_and_proto, unsigned states,
                         std::vector<Socket>& sockets) {
  const auto [family, proto] = family_and_proto;
  inet_diag_req_v2 request{};
  request.sdiag_family = static_cast<unsigned char>(family);
  request.sdiag_protocol = static_cast<unsigned char>(proto);
  request.idiag_states = states;
  request.idiag_ext = 1U << (INET_DIAG_SKMEMINFO - 1);
  const auto add = [&sockets, proto](const nlmsghdr& message) {
    if (mnl_nlmsg_get_payload_len(&message) < sizeof(inet_diag_msg)) return;
    const auto* found = static_cast<const inet_diag_msg*>(mnl_nlmsg_get_payload(&message));
    const Memory memory = memory_of(message);
    const bool listens = proto == IPPROTO_TCP && found->idiag_state == TCP_LISTEN;
    sockets.push_back({.local = address_from(found->idiag_family, found->id.idiag_src),
                       .remote = address_from(found->idiag_family, found->id.idiag_dst),
                       .local_port = ntohs(found->id.idiag_sport),
                       .remote_port = ntohs(found->id.idiag_dport),
                       .proto = static_cast<std::uint8_t>(proto),
                       .inode = found->idiag_inode,
                       .receive_bytes = memory[SK_MEMINFO_RCVBUF],
                       .queued = listens ? found->idiag_rqueue : memory[SK_MEMINFO_RMEM_ALLOC],
                       .queue_limit = listens ? found->idiag_wqueue : memory[SK_MEMINFO_RCVBUF],
                       .drops = memory[SK_MEMINFO_DROPS]});
  };
  return netlink.dump(SOCK_DIAG_BY_FAMILY, std::as_bytes(std::span(&request, 1)), add);
}

Result<std::vector<Socket>> tcp_sockets(Netlink& netlink, unsigned states) {
  std::vector<Socket> sockets;
  for (const int family : {AF_INET, AF_INET6}) {
    const auto done = add_sockets(netlink, {family, IPPROTO_TCP}, states, sockets);
    if (!done) return std::unexpected(done.error());
  }
  return sockets;
}

// Adds none if the kernel has no udp_diag module.
Result<void> add_udp_sockets(Netlink& netlink, unsigned states, std::vector<Socket>& sockets) {
  for (const int family : {AF_INET, AF_INET6}) {
    auto done = add_sockets(netlink, {family, IPPROTO_UDP}, states, sockets);
    if (!done && netlink.error_number() != ENOENT) return done;
  }
  return {};
}

}  // namespace

Result<std::vector<Socket>> connected_sockets() {
  auto netlink = Netlink::open(NETLINK_SOCK_DIAG);
  if (!netlink) return std::unexpected(std::move(netlink.error()));
  auto sockets = tcp_sockets(*netlink, kHandshakeDone);
  if (!sockets) return sockets;
  // The kernel gives a connected UDP socket the state TCP_ESTABLISHED.
  if (auto done = add_udp_sockets(*netlink, bit(TCP_ESTABLISHED), *sockets); !done)
    return std::unexpected(std::move(done.error()));
  return sockets;
}

Result<std::vector<Socket>> tcp_listeners() {
  auto netlink = Netlink::open(NETLINK_SOCK_DIAG);
  if (!netlink) return std::unexpected(std::move(netlink.error()));
  return tcp_sockets(*netlink, bit(TCP_LISTEN));
}

Result<std::vector<Socket>> listeners() {
  auto netlink = Netlink::open(NETLINK_SOCK_DIAG);
  if (!netlink) return std::unexpected(std::move(netlink.error()));
  auto sockets = tcp_sockets(*netlink, bit(TCP_LISTEN));
  if (!sockets) return sockets;
  // The kernel gives an unconnected UDP socket the state TCP_CLOSE.
  if (auto done = add_udp_sockets(*netlink, bit(TCP_CLOSE), *sockets); !done)
    return std::unexpected(std::move(done.error()));
  return sockets;
}

}  // namespace fw::host
