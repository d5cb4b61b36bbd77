// SPDX-License-Identifier: MIT
// Writes the header bytes of each layer. packet_bytes.cpp fills in what depends on other layers:
// lengths, next protocols and checksums.
#include "harness/packet.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "harness/wire.hpp"

namespace fw::test {
namespace {

constexpr unsigned kEtherIpv4 = 0x0800, kEtherIpv6 = 0x86dd, kEtherMpls = 0x8847,
                   kEtherArp = 0x0806;

void put_mac(Bytes& bytes, std::size_t at, std::uint64_t number) {
  for (std::size_t i = 0; i < 6; ++i)
    bytes.at(at + i) = static_cast<fw_u8>(number >> (8 * (5 - i)));
}

void put_address(Bytes& bytes, std::size_t at, int family, std::string_view text) {
  const std::string name(text);
  if (::inet_pton(family, name.c_str(), &bytes.at(at)) == 1) return;
  (void)std::fprintf(stderr, "harness: '%s' is no address of this family\n", name.c_str());
  std::abort();
}

}  // namespace

Packet Packet::with(Layer layer) const {
  Packet made = *this;
  made.layers_.push_back(std::move(layer));
  return made;
}

Packet::Layer& Packet::last() {
  assert(!layers_.empty());
  return layers_.back();
}

Packet::Layer& Packet::last(Kind kind) {
  assert(!layers_.empty() && layers_.back().kind == kind);
  (void)kind;
  return layers_.back();
}

Packet::Layer& Packet::last_ip() {
  const auto found = std::find_if(layers_.rbegin(), layers_.rend(), [](const Layer& layer) {
    return layer.kind == Kind::ipv4 || layer.kind == Kind::ipv6;
  });
  assert(found != layers_.rend());
  return *found;
}

bool Packet::is_v6() const {
  return Packet(*this).last_ip().kind == Kind::ipv6;
}

Packet Packet::ethernet() {
  Bytes head(14);
  put_mac(head, 0, 0x020000000002);
  put_mac(head, 6, 0x020000000001);
  return Packet().with({.kind = Kind::ethernet, .ether_type = 0x6558, .head = head});
}

Packet Packet::ip() {
  return {};
}

Packet Packet::destination_mac(std::uint64_t number) const {
  Packet made = *this;
  put_mac(made.last(Kind::ethernet).head, 0, number);
  return made;
}

Packet Packet::source_mac(std::uint64_t number) const {
  Packet made = *this;
  put_mac(made.last(Kind::ethernet).head, 6, number);
  return made;
}

Packet Packet::vlan(unsigned id, unsigned ether_type) const {
  Bytes head(4);
  put16(head, 0, id);
  return with({.kind = Kind::vlan, .ether_type = ether_type, .head = head});
}

Packet Packet::mpls(unsigned label) const {
  Bytes head(4);
  put32(head, 0, label << 12 | 64);
  return with({.kind = Kind::mpls, .number = IPPROTO_MPLS, .ether_type = kEtherMpls, .head = head});
}

Packet Packet::arp(std::string_view sender, std::string_view target) const {
  Bytes head(28);
  put32(head, 0, 0x00010800);  // Ethernet, IPv4
  put32(head, 4, 0x06040001);  // lengths; request
  put_mac(head, 8, 0x020000000001);
  put_address(head, 14, AF_INET, sender);
  put_address(head, 24, AF_INET, target);
  return with({.kind = Kind::other, .ether_type = kEtherArp, .head = head});
}

Packet Packet::ipv4(std::string_view source, std::string_view destination) const {
  Bytes head(20);
  head[0] = 0x45;
  head[8] = 64;
  put_address(head, 12, AF_INET, source);
  put_address(head, 16, AF_INET, destination);
  return with({.kind = Kind::ipv4, .number = IPPROTO_IPIP, .ether_type = kEtherIpv4, .head = head});
}

Packet Packet::ipv6(std::string_view source, std::string_view destination) const {
  Bytes head(40);
  head[0] = 0x60;
  head[7] = 64;
  put_address(head, 8, AF_INET6, source);
  put_address(head, 24, AF_INET6, destination);
  return with({.kind = Kind::ipv6, .number = IPPROTO_IPV6, .ether_type = kEtherIpv6, .head = head});
}

Packet Packet::ttl(unsigned hops) const {
  Packet made = *this;
  Layer& layer = made.last_ip();
  layer.head.at(layer.kind == Kind::ipv4 ? 8 : 7) = static_cast<fw_u8>(hops);
  return made;
}

Packet Packet::tos(unsigned octet) const {
  Packet made = *this;
  Layer& layer = made.last_ip();
  if (layer.kind == Kind::ipv4)
    layer.head.at(1) = static_cast<fw_u8>(octet);
  else
    put16(layer.head, 0, 0x6000 | octet << 4);
  return made;
}

Packet Packet::id(unsigned number) const {
  Packet made = *this;
  Layer& layer = made.last();
  assert(layer.kind == Kind::ipv4 || layer.number == IPPROTO_FRAGMENT);
  if (layer.kind == Kind::ipv4)
    put16(layer.head, 4, number);
  else
    put32(layer.head, 4, number);
  return made;
}

Packet Packet::dont_fragment() const {
  Packet made = *this;
  made.last(Kind::ipv4).head.at(6) |= 0x40;
  return made;
}

Packet Packet::fragment(unsigned offset_bytes, bool more) const {
  assert(offset_bytes % 8 == 0);
  if (is_v6()) {
    Packet made = extension(IPPROTO_FRAGMENT, 0);
    Bytes& head = made.last().head;
    head.assign(8, 0);
    put16(head, 2, offset_bytes | (more ? 1 : 0));
    return made;
  }
  Packet made = *this;
  Bytes& head = made.last(Kind::ipv4).head;
  put16(head, 6, offset_bytes / 8 | (more ? 0x2000 : 0) | (head.at(6) & 0x40) << 8);
  return made;
}

Packet Packet::options(unsigned n) const {
  assert(n % 4 == 0 && n <= 40);
  Packet made = *this;
  Layer& layer = made.last();
  assert(layer.kind == Kind::ipv4 || layer.kind == Kind::tcp);
  layer.head.resize(20);
  layer.head.resize(20 + n, 1);
  if (layer.kind == Kind::ipv4)
    layer.head[0] = static_cast<fw_u8>(0x40 | (5 + n / 4));
  else
    layer.head[12] = static_cast<fw_u8>((5 + n / 4) << 4);
  return made;
}

Packet Packet::extension(unsigned number, unsigned units) const {
  Bytes head(8 * (1 + std::size_t{units}));
  head[1] = static_cast<fw_u8>(units);
  if (number != IPPROTO_ROUTING) {  // one PadN option fills it; a routing header has type 0 and no
                                    // segments left
    head[2] = 1;
    head[3] = static_cast<fw_u8>(std::min<std::size_t>(head.size() - 4, 255));
  }
  return with({.kind = Kind::extension, .number = number, .head = head});
}

Packet Packet::hop_by_hop(unsigned units) const {
  return extension(IPPROTO_HOPOPTS, units);
}

Packet Packet::routing(unsigned units) const {
  return extension(IPPROTO_ROUTING, units);
}

Packet Packet::destination_options(unsigned units) const {
  return extension(IPPROTO_DSTOPTS, units);
}

Packet Packet::authentication(std::uint32_t spi) const {
  Bytes head(24);
  head[1] = 4;  // in 32-bit words, minus 2
  put32(head, 4, spi);
  return with({.kind = Kind::authentication, .number = IPPROTO_AH, .head = head});
}

Packet Packet::tcp(unsigned source_port, unsigned destination_port) const {
  Bytes head(20);
  put16(head, 0, source_port);
  put16(head, 2, destination_port);
  head[12] = 0x50;
  put16(head, 14, 64240);
  return with({.kind = Kind::tcp, .number = IPPROTO_TCP, .head = head});
}

Packet Packet::flags(unsigned tcp_flags) const {
  Packet made = *this;
  made.last(Kind::tcp).head.at(13) = static_cast<fw_u8>(tcp_flags);
  return made;
}

Packet Packet::seq(std::uint32_t number) const {
  Packet made = *this;
  put32(made.last(Kind::tcp).head, 4, number);
  return made;
}

Packet Packet::ack(std::uint32_t number) const {
  Packet made = *this;
  put32(made.last(Kind::tcp).head, 8, number);
  made.last().head.at(13) |= kAck;
  return made;
}

Packet Packet::window(unsigned size) const {
  Packet made = *this;
  put16(made.last(Kind::tcp).head, 14, size);
  return made;
}

Packet Packet::udp(unsigned source_port, unsigned destination_port) const {
  Bytes head(8);
  put16(head, 0, source_port);
  put16(head, 2, destination_port);
  return with({.kind = Kind::udp, .number = IPPROTO_UDP, .head = head});
}

Packet Packet::icmp(unsigned type, unsigned code) const {
  Bytes head(8);
  put16(head, 0, type << 8 | code);
  return with({.kind = Kind::icmp, .number = IPPROTO_ICMP, .head = head});
}

Packet Packet::icmpv6(unsigned type, unsigned code) const {
  Bytes head(8);
  put16(head, 0, type << 8 | code);
  return with({.kind = Kind::icmpv6, .number = IPPROTO_ICMPV6, .head = head});
}

Packet Packet::icmp_echo(unsigned id, unsigned seq) const {
  Packet made = is_v6() ? icmpv6(128, 0) : icmp(8, 0);
  put32(made.last().head, 4, id << 16 | seq);
  return made;
}

Packet Packet::icmp_echo_reply(unsigned id, unsigned seq) const {
  Packet made = is_v6() ? icmpv6(129, 0) : icmp(0, 0);
  put32(made.last().head, 4, id << 16 | seq);
  return made;
}

Packet Packet::neighbor_solicitation(std::string_view target) const {
  Packet made = ttl(255).icmpv6(135, 0);
  Bytes& head = made.last().head;
  head.resize(24);
  put_address(head, 8, AF_INET6, target);
  return made;
}

Packet Packet::gre() const {
  return with({.kind = Kind::gre, .number = IPPROTO_GRE, .head = Bytes(4)});
}

Packet Packet::esp(std::uint32_t spi) const {
  Bytes head(8);
  put32(head, 0, spi);
  put32(head, 4, 1);  // sequence number
  return with({.kind = Kind::other, .number = IPPROTO_ESP, .head = head});
}

Packet Packet::sctp(unsigned source_port, unsigned destination_port) const {
  Bytes head(12);
  put16(head, 0, source_port);
  put16(head, 2, destination_port);
  return with({.kind = Kind::other, .number = IPPROTO_SCTP, .head = head});
}

Packet Packet::proto(unsigned number) const {
  return with({.kind = Kind::other, .number = number, .head = {}});
}

Packet Packet::payload(std::size_t n) const {
  Packet made = *this;
  for (std::size_t i = 0; i < n; ++i) made.payload_.push_back(static_cast<fw_u8>(i));
  return made;
}

Packet Packet::payload(std::string_view text) const {
  Packet made = *this;
  made.payload_.insert(made.payload_.end(), text.begin(), text.end());
  return made;
}

Packet Packet::payload(std::span<const fw_u8> bytes) const {
  Packet made = *this;
  made.payload_.insert(made.payload_.end(), bytes.begin(), bytes.end());
  return made;
}

Packet Packet::header_words(unsigned words) const {
  Packet made = *this;
  Layer& layer = made.last();
  assert(layer.kind == Kind::ipv4 || layer.kind == Kind::tcp);
  if (layer.kind == Kind::ipv4)
    layer.head[0] = static_cast<fw_u8>((layer.head[0] & 0xf0) | words);
  else
    layer.head[12] = static_cast<fw_u8>(words << 4);
  return made;
}

Packet Packet::length(unsigned n) const {
  Packet made = *this;
  made.last().length = static_cast<int>(n);
  return made;
}

Packet Packet::next(unsigned number) const {
  Packet made = *this;
  made.last().next = static_cast<int>(number);
  return made;
}

Packet Packet::version(unsigned number) const {
  Packet made = *this;
  fw_u8& first = made.last_ip().head.at(0);
  first = static_cast<fw_u8>((first & 0x0f) | number << 4);
  return made;
}

Packet Packet::bad_checksum() const {
  Packet made = *this;
  made.last().bad_checksum = true;
  return made;
}

Packet Packet::patch(std::size_t offset, fw_u8 value) const {
  Packet made = *this;
  made.patches_[offset] = value;
  return made;
}

Packet Packet::padded_to(std::size_t n) const {
  Packet made = *this;
  made.padded_to_ = n;
  return made;
}

Packet Packet::cut_to(std::size_t n) const {
  Packet made = *this;
  made.cut_to_ = n;
  return made;
}

}  // namespace fw::test
