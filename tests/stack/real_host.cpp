// SPDX-License-Identifier: MIT
#include "stack/real_host.hpp"

#include <linux/if_packet.h>
#include <linux/if_tun.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "policy/policy.h"

namespace fw::test {
namespace {

// Sources are 10.64/11 and fd40::/11 on the wire, 10.96/11 on the one tun, 10.128/11 on the other.
constexpr const char* kNetwork = R"(set -e
ip link add wire type veth peer name host0
ip link set wire address 02:00:00:00:00:01 mtu 9000 up
ip link set host0 address 02:00:00:00:00:02 mtu 9000 up
ip link set lo up
for device in wire host0 tun0 tun1; do
  echo 0 > /proc/sys/net/ipv4/conf/$device/rp_filter
  echo 1 > /proc/sys/net/ipv4/conf/$device/accept_source_route
  echo 1 > /proc/sys/net/ipv6/conf/$device/accept_source_route
done
ip link set tun0 mtu 9000 up
ip link set tun1 mtu 9000 up
echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter
echo 1 > /proc/sys/net/ipv4/conf/all/accept_source_route
echo 1 > /proc/sys/net/ipv6/conf/all/accept_source_route
echo 2 > /proc/sys/net/ipv4/tcp_syncookies
echo 0 > /proc/sys/net/ipv6/icmp/ratelimit
echo 1 > /proc/sys/net/ipv4/ipfrag_time
echo 1 > /proc/sys/net/ipv6/ip6frag_time
echo 1 > /proc/sys/net/ipv6/conf/wire/disable_ipv6
ip address add 10.9.0.2/24 dev host0
ip address add fd09::2/64 dev host0 nodad
ip neighbour replace 10.9.0.1 lladdr 02:00:00:00:00:01 dev host0 nud permanent
ip neighbour replace fd09::1 lladdr 02:00:00:00:00:01 dev host0 nud permanent
ip route add 10.64.0.0/11 via 10.9.0.1 dev host0
ip route add fd40::/16 via fd09::1 dev host0
ip route add 10.96.0.0/11 dev tun0
ip route add fd60::/16 dev tun0
ip route add 10.128.0.0/11 dev tun1
ip route add fd80::/16 dev tun1
)";

Result<UniqueFd> open_tun(const char* name, unsigned flags) {
  UniqueFd fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  ifreq request{};
  std::strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
  request.ifr_flags = static_cast<short>(flags);
  if (!fd.valid() || ::ioctl(fd.get(), TUNSETIFF, &request) != 0)
    return fail_errno("make a tun", errno);
  return fd;
}

Result<UniqueFd> open_socket(int type, fw_u16 port) {
  UniqueFd fd(::socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  const int bytes = 64 << 20;
  if (!fd.valid() || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("bind a socket", errno);
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  return fd;
}

// The peers' end of the veth pair; it does not see what it sends.
Result<UniqueFd> open_wire() {
  UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL)));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex("wire"));
  const int on = 1, bytes = 64 << 20;
  if (!fd.valid() || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("open the wire", errno);
  (void)::setsockopt(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  return fd;
}

fw_addr address_of(const in6_addr& from) {
  fw_addr out{};
  for (unsigned i = 0; i < 8; i++) {
    out.hi = out.hi << 8 | from.s6_addr[i];
    out.lo = out.lo << 8 | from.s6_addr[8 + i];
  }
  return out;
}

}  // namespace

Result<RealHost> RealHost::open() {
  RealHost host;
  if (::unshare(CLONE_NEWNET) != 0) {
    Error error = fail_errno("make a network namespace", errno).error();
    error.kind = ErrorKind::not_permitted;
    return std::unexpected(std::move(error));
  }
  const auto take = [](UniqueFd& to, Result<UniqueFd> made) -> Result<void> {
    if (!made) return std::unexpected(std::move(made.error()));
    to = std::move(*made);
    return {};
  };
  if (auto done = take(host.tun_, open_tun("tun0", IFF_TUN | IFF_NO_PI)); !done)
    return std::unexpected(done.error());
  if (auto done = take(host.tun_info_, open_tun("tun1", IFF_TUN)); !done)
    return std::unexpected(done.error());
  if (std::system(kNetwork) != 0) return fail("the network of the test could not be made");
  if (auto done = take(host.wire_, open_wire()); !done) return std::unexpected(done.error());
  if (auto done = take(host.udp_, open_socket(SOCK_DGRAM, kUdpPort)); !done)
    return std::unexpected(done.error());
  if (auto done = take(host.tcp_, open_socket(SOCK_STREAM, kTcpPort)); !done)
    return std::unexpected(done.error());
  if (::listen(host.tcp_.get(), 16) != 0) return fail_errno("listen", errno);
  return host;
}

// What the kernel refuses to send, because of its length for example, is not sent.
void RealHost::send(Entry entry, const Bytes& frame, fw_u16 info) {
  if (entry == Entry::ethernet) {
    (void)::send(wire_.get(), frame.data(), frame.size(), 0);
    return;
  }
  if (entry == Entry::tun) {
    (void)!::write(tun_.get(), frame.data(), frame.size());
    return;
  }
  Bytes with_info{0, 0, static_cast<fw_u8>(info >> 8), static_cast<fw_u8>(info)};
  with_info.insert(with_info.end(), frame.begin(), frame.end());
  (void)!::write(tun_info_.get(), with_info.data(), with_info.size());
}

void RealHost::drain(const std::function<void(const Heard&)>& sink) {
  std::array<fw_u8, 16384> buffer{};
  drain_udp(sink);
  for (ssize_t n = 0; (n = ::recv(wire_.get(), buffer.data(), buffer.size(), 0)) > 0;)
    answered({buffer.data(), static_cast<std::size_t>(n)}, FW_LINK_ETHERNET, sink);
  for (ssize_t n = 0; (n = ::read(tun_.get(), buffer.data(), buffer.size())) > 0;)
    answered({buffer.data(), static_cast<std::size_t>(n)}, FW_LINK_IP, sink);
  for (ssize_t n = 0; (n = ::read(tun_info_.get(), buffer.data(), buffer.size())) > 4;)
    answered({buffer.data() + 4, static_cast<std::size_t>(n) - 4}, FW_LINK_IP, sink);
}

void RealHost::drain_udp(const std::function<void(const Heard&)>& sink) {
  std::array<fw_u8, 16384> buffer{};
  for (;;) {
    sockaddr_in6 from{};
    socklen_t size = sizeof from;
    const ssize_t n = ::recvfrom(udp_.get(), buffer.data(), buffer.size(), 0,
                                 reinterpret_cast<sockaddr*>(&from), &size);
    if (n < 0) return;
    Heard heard{.proto = 17,
                .source = address_of(from.sin6_addr),
                .source_port = ntohs(from.sin6_port),
                .port = kUdpPort};
    for (unsigned i = 0; i < 8 && n >= 8; i++) heard.number = heard.number << 8 | buffer.at(i);
    if (n >= 8) sink(heard);
  }
}

// An answer says to whom, from which port, and about which question.
void RealHost::answered(std::span<const fw_u8> frame, fw_u8 link,
                        const std::function<void(const Heard&)>& sink) {
  const fw_frame read{.data = frame.data(),
                      .captured_bytes = static_cast<fw_u32>(frame.size()),
                      .wire_bytes = static_cast<fw_u32>(frame.size()),
                      .link = link};
  fw_packet p{};
  if (!fw_policy_parse(&read, &p) || p.fragment != FW_FRAG_NONE) return;
  Heard heard{.proto = p.proto, .source = p.dst, .source_port = p.dport, .port = p.sport};
  if (p.proto == FW_IPPROTO_TCP) {
    // A reset of a segment with ACK has its acknowledged number, and no ACK of its own.
    heard.number = ((p.tcp_flags & FW_TCP_ACK ? p.ack : p.seq) - 1U) >> kTcpNumberShift;
    sink(heard);
  } else if (p.icmp_type == (p.is_v6 ? FW_ICMPV6_ECHO_REPLY : FW_ICMP_ECHO_REPLY) &&
             p.proto == (p.is_v6 ? FW_IPPROTO_ICMPV6 : FW_IPPROTO_ICMP)) {
    heard.number = p.payload_head;
    heard.source_port = heard.port = 0;
    sink(heard);
  }
}

}  // namespace fw::test
