// SPDX-License-Identifier: MIT
// Makes a frame of layers: whole() goes from the last layer to the first and fills in the fields of
// each that depend on what follows it.
#include <netinet/in.h>

#include <cstdint>

#include "harness/packet.hpp"
#include "harness/wire.hpp"

namespace fw::test {
namespace {

constexpr unsigned kNone = IPPROTO_NONE, kExperimental = 253;

// RFC 1071: the sum of 16-bit words, not folded.
std::uint32_t sum_of(std::span<const fw_u8> bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 ? bytes[i] : bytes[i] << 8;
  return sum;
}

unsigned folded(std::uint32_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

// SCTP's checksum (RFC 9260, appendix A).
std::uint32_t crc32c(std::span<const fw_u8> bytes) {
  std::uint32_t crc = ~0U;
  for (const fw_u8 byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
  }
  return ~crc;
}

}  // namespace

// The next-protocol field of layer `index`: of the last layer none or, for IPv4, one for
// experiments (RFC 3692).
unsigned Packet::next_number(std::size_t index) const {
  const Layer& layer = layers_[index];
  if (layer.next >= 0) return static_cast<unsigned>(layer.next);
  if (index + 1 < layers_.size()) return layers_[index + 1].number;
  return layer.kind == Kind::ipv4 ? kExperimental : kNone;
}

unsigned Packet::next_ether_type(std::size_t index) const {
  const Layer& layer = layers_[index];
  if (layer.next >= 0) return static_cast<unsigned>(layer.next);
  return index + 1 < layers_.size() ? layers_[index + 1].ether_type : 0x88b5;  // experimental
}

// The pseudo-header of a transport layer, with the nearest IP header before it.
std::uint32_t Packet::pseudo_sum(std::size_t index, std::size_t size) const {
  for (std::size_t i = index; i-- > 0;) {
    const Bytes& head = layers_[i].head;
    const auto rest = static_cast<std::uint32_t>(size) + layers_[index].number;
    if (layers_[i].kind == Kind::ipv4) return sum_of({&head[12], 8}) + rest;
    if (layers_[i].kind == Kind::ipv6) return sum_of({&head[8], 32}) + rest;
  }
  return 0;
}

// Fills in layer `index`, which `body` follows, and puts it before `body`.
void Packet::finish(std::size_t index, Bytes& body) const {
  const Layer& layer = layers_[index];
  Bytes head = layer.head;
  const auto length = [&layer](std::size_t real) {
    return layer.length >= 0 ? static_cast<unsigned>(layer.length) : static_cast<unsigned>(real);
  };
  const unsigned wrong = layer.bad_checksum ? 0x5555 : 0;
  switch (layer.kind) {
    case Kind::ethernet:
      put16(head, 12, next_ether_type(index));
      break;
    case Kind::vlan:
    case Kind::gre:
      put16(head, 2, next_ether_type(index));
      break;
    case Kind::mpls:  // the last one marks the bottom of the stack
      if (index + 1 == layers_.size() || layers_[index + 1].kind != Kind::mpls) head[2] |= 1;
      break;
    case Kind::ipv4:
      put16(head, 2, length(head.size() + body.size()));
      head[9] = static_cast<fw_u8>(next_number(index));
      put16(head, 10, folded(sum_of(head)) ^ wrong);
      break;
    case Kind::ipv6:
      put16(head, 4, length(body.size()));
      head[6] = static_cast<fw_u8>(next_number(index));
      break;
    case Kind::extension:
    case Kind::authentication:
      head[0] = static_cast<fw_u8>(next_number(index));
      break;
    case Kind::udp:
      put16(head, 4, length(head.size() + body.size()));
      [[fallthrough]];
    case Kind::tcp:
    case Kind::icmp:
    case Kind::icmpv6: {
      const std::size_t size = head.size() + body.size();
      const std::size_t at = layer.kind == Kind::tcp ? 16 : layer.kind == Kind::udp ? 6 : 2;
      std::uint32_t sum = layer.kind == Kind::icmp ? 0 : pseudo_sum(index, size);
      sum += sum_of(head) + sum_of(body);  // heads have even sizes
      const unsigned checksum = folded(sum);
      const bool none_is_zero = layer.kind == Kind::udp && checksum == 0;
      put16(head, at, (none_is_zero ? 0xffff : checksum) ^ wrong);
      break;
    }
    case Kind::other:
      break;
  }
  body.insert(body.begin(), head.begin(), head.end());
  if (layer.number == IPPROTO_SCTP && head.size() == 12) {
    const std::uint32_t crc = crc32c(body) ^ wrong;  // least significant byte first
    for (std::size_t i = 0; i < 4; ++i) body[8 + i] = static_cast<fw_u8>(crc >> (8 * i));
  }
}

Bytes Packet::whole() const {
  Bytes bytes = payload_;
  for (std::size_t i = layers_.size(); i-- > 0;) finish(i, bytes);
  if (bytes.size() < padded_to_) bytes.resize(padded_to_);
  for (const auto& [offset, value] : patches_) bytes.at(offset) = value;
  return bytes;
}

Bytes Packet::bytes() const {
  Bytes bytes = whole();
  if (bytes.size() > cut_to_) bytes.resize(cut_to_);
  return bytes;
}

std::uint32_t Packet::wire_bytes() const {
  return static_cast<std::uint32_t>(whole().size());
}

}  // namespace fw::test
