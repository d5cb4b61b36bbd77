// SPDX-License-Identifier: MIT
#include "diff/frames.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace fw::test {
namespace {

constexpr const char *kHost = "198.51.100.7", *kHost6 = "2001:db8::7";
// The last two bytes of a remote address are replaced in each frame; see kMarker.
constexpr const char *kRemote = "10.1.222.173", *kRemote6 = "2001:db8:1:dead::beef:dead";
constexpr std::array<fw_u8, 2> kMarker{0xde, 0xad};
constexpr std::size_t kTemplates = 6000, kMinFrame = 15, kMaxFrame = 3400;
constexpr unsigned kPeers = 40;

}  // namespace

Frames::Frames(unsigned seed) : random_(seed) {
  for (std::size_t i = 0; i < kTemplates; i++) arriving_.push_back(make(false));
  for (std::size_t i = 0; i < kTemplates / 3; i++) leaving_.push_back(make(true));
}

std::string Frames::peer(bool v6) {
  const unsigned number = below(kPeers);
  return v6 ? fmt::format("2001:db8:1:de{:02x}::beef:{:x}", number % 8, number)
            : fmt::format("10.1.0.{}", number);
}

Packet Frames::link() {
  Packet made = Packet::ethernet();
  switch (below(12)) {
    case 0:
      return made.vlan(below(4095));
    case 1:
      return made.vlan(1, 0x88a8).vlan(2);
    case 2:
      return made.mpls(below(1000));
    case 3:
      return made.vlan(1).vlan(2).vlan(3).vlan(4).vlan(5);
    default:
      return made;
  }
}

Packet Frames::network(bool leaving, bool v6) {
  const char* remote = v6 ? kRemote6 : kRemote;
  const char* host = v6 ? kHost6 : kHost;
  if (below(30) == 0) remote = v6 ? "fe80::1" : "169.254.1.1";
  Packet made = v6 ? link().ipv6(leaving ? host : remote, leaving ? remote : host)
                   : link().ipv4(leaving ? host : remote, leaving ? remote : host);
  if (below(8) == 0) made = made.ttl(255);
  if (below(40) == 0) made = made.length(below(100));
  if (below(60) == 0) made = made.version(below(16));
  if (!v6) {
    if (below(10) == 0) made = made.options(4 * below(11));
    if (below(60) == 0) made = made.header_words(below(16));
    if (below(10) == 0) made = made.fragment(8 * below(3), below(2) != 0);
    return made;
  }
  for (unsigned n = below(3) == 0 ? below(11) : 0; n > 0; n--) {
    switch (below(5)) {
      case 0:
        made = made.hop_by_hop(below(3));
        break;
      case 1:
        made = made.routing(below(3));
        break;
      case 2:
        made = made.destination_options(below(40) == 0 ? 255 : below(3));
        break;
      case 3:
        made = made.fragment(8 * below(2), below(2) != 0);
        break;
      default:
        made = made.authentication();
    }
  }
  return made;
}

// An ICMP error about what this host sent to a peer.
Packet Frames::error(const Packet& ip) {
  const bool v6 = below(2) != 0;
  Packet sent = v6 ? Packet::ip().ipv6(kHost6, peer(true)) : Packet::ip().ipv4(kHost, peer(false));
  if (below(4) == 0) sent = sent.fragment(8 * below(2), true);
  sent = (below(2) ? sent.tcp(80, 40000) : sent.udp(53, 40000)).payload(8);
  const Packet error = v6 ? ip.icmpv6(1 + below(4), 0) : ip.icmp(below(2) ? 3 : 11, 4);
  return error.payload(sent.bytes());
}

// What proves a peer's address, as one of two values: questions with a number and what hosts give;
// WireGuard, QUIC, DTLS and OpenVPN with the number at its place.
Packet Frames::proof(const Packet& ip, bool leaving) {
  Bytes payload(100 + below(60), 0);
  const auto put = [&](std::size_t at, std::string_view text) {
    std::ranges::copy(text, payload.begin() + static_cast<std::ptrdiff_t>(at));
  };
  const std::string number = below(2) ? "abcdefgh" : "ABCDEFGH";
  using std::string_view_literals::operator""sv;
  switch (below(6)) {
    case 0:
      if (leaving) {
        put(0, "\xff\xff\xff\xff\x41" + number);
        payload.resize(9);
      } else if (below(2)) {
        put(0, "\xff\xff\xff\xffTSource Engine Query"sv);
        put(25, number);
        payload.resize(below(2) ? 25 : 29);
      } else {
        put(0, (below(2) ? "\xff\xff\xff\xffU" : "\xff\xff\xff\xffV") +
                   (below(3) ? number : "\xff\xff\xff\xff"));
        payload.resize(9);
      }
      break;
    case 1:
      put(0, leaving ? "\x02\0\0\0"sv : "\x04\0\0\0"sv);
      put(4, number);
      if (leaving) payload.resize(92);
      break;
    case 2: {
      const bool is_long = leaving || below(2);
      if (is_long) {
        put(0, "\xc3\0\0\0\x01\x08"sv);
        put(6, leaving ? "client42" : number);
        put(14, "\x08" + (leaving ? number : "client42"));
      } else {
        put(0, "\x43" + number);
      }
      break;
    }
    case 3:
      put(0, "\x16\xfe\xfd"sv);
      put(13, leaving ? "\x03" : "\x01");
      put(leaving ? 27 : 60, "\x08" + number);
      break;
    case 4:
      put(0, (leaving ? "\x40" : "\x28") + number);
      put(14, number);
      break;
    default: {
      const bool asks = below(3) != 0;
      put(0, asks ? "\x12\x34\x01\0\0\x01\0\0\0\0\0\0\1a\0\0\1\0\1"sv
                  : "\x12\x34\x81\0\0\x01\0\0\0\0\0\0\1a\0\0\1\0\1"sv);
      return ip.udp(leaving ? 53 : 40000, leaving ? 40000 : 53).payload(payload);
    }
  }
  return ip.udp(leaving ? 27015 : 40000, leaving ? 40000 : 27015).payload(payload);
}

Packet Frames::transport(const Packet& ip, bool leaving) {
  constexpr std::array<unsigned, 6> kLocal{80, 22, 53, 443, 27015, 68};
  constexpr std::array<unsigned, 6> kRemotePorts{40000, 40001, 53, 123, 67, 1900};
  const unsigned local = kLocal[below(6)], remote = kRemotePorts[below(6)];
  const unsigned source = leaving ? local : remote, destination = leaving ? remote : local;
  switch (below(20)) {
    case 16:
    case 17:
    case 18:
      return proof(ip, leaving);
    case 19:
      return error(ip);
    case 0:
      return ip.icmp_echo(below(3), 1);
    case 1:
      return ip.icmp_echo_reply(below(3), 1);
    case 2:
      return ip.icmpv6(128 + below(10), below(4)).payload(24);
    case 15:
      return error(ip);
    case 3:
      return below(2) ? ip.gre() : ip.esp(1);
    case 4:
      return below(2) ? ip.sctp(source, destination) : ip.proto(below(256));
    case 5:
    case 6:
    case 7:
    case 8:
      return ip.udp(source, destination).payload(below(2) ? "\x02\x07hello, floodwall" : "");
    case 9:
      return ip.tcp(source, destination).flags(below(256)).options(4 * below(11));
    default: {
      const unsigned kinds[] = {kSyn, kSyn | kAck, kAck, kAck | kPsh, kAck | kFin, kRst, kAck};
      return ip.tcp(source, destination)
          .seq(1000 + below(3))
          .ack(1000 + below(4))
          .flags(kinds[below(7)])
          .payload(std::size_t{3} * below(4));
    }
  }
}

Frames::Template Frames::make(bool leaving) {
  if (below(50) == 0) return {Packet::ethernet().arp(kRemote, kHost).bytes()};
  Packet packet = transport(network(leaving, below(3) == 0), leaving);
  if (below(30) == 0) packet = packet.length(below(200));
  if (below(4) == 0) packet = packet.payload(below(1400));
  if (below(4) == 0) packet = packet.padded_to(60);
  Template made{packet.bytes()};
  auto at = std::ranges::search(made.bytes, kMarker).begin();
  if (at == made.bytes.end()) return made;
  const auto second = std::search(at + 8, made.bytes.end(), kMarker.begin(), kMarker.end());
  made.is_v6 = second == at + 8;  // the first one is in the network part
  made.peer_at = static_cast<std::size_t>((made.is_v6 ? second : at) - made.bytes.begin());
  if (made.bytes.size() > kMaxFrame) made.bytes.resize(kMaxFrame);
  return made;
}

const Bytes& Frames::next(const std::vector<Template>& from) {
  const Template& chosen = from[below(static_cast<unsigned>(from.size()))];
  frame_ = chosen.bytes;
  if (chosen.peer_at != 0) {
    const unsigned number = below(kPeers);
    frame_[chosen.peer_at] = static_cast<fw_u8>(below(50) == 0 ? below(256) : 0);
    frame_[chosen.peer_at + 1] = static_cast<fw_u8>(below(50) == 0 ? below(256) : number);
    if (chosen.is_v6) frame_[chosen.peer_at - 7] = static_cast<fw_u8>(number % 8);
  }
  if (below(12) == 0)
    frame_.resize(kMinFrame + below(static_cast<unsigned>(frame_.size() - kMinFrame + 1)));
  if (below(12) == 0)
    for (unsigned n = 1 + below(3); n > 0; n--)
      frame_[below(static_cast<unsigned>(frame_.size()))] ^= static_cast<fw_u8>(1U << below(8));
  return frame_;
}

}  // namespace fw::test
