// SPDX-License-Identifier: MIT
// Builds a packet layer by layer: Packet::ethernet().vlan(5).ipv4("192.0.2.1", "198.51.100.1")
// .tcp(40000, 80).syn().bytes(). Each call returns a new packet, so that packets can share a common
// start. bytes() fills in lengths, next-protocol fields and checksums; the calls under "Wrong on
// purpose" override them. A call on a layer that is not there fails an assertion.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "abi/types.h"

namespace fw::test {

using Bytes = std::vector<fw_u8>;

enum TcpFlag : unsigned { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32 };

class Packet {
 public:
  // From 02:00:00:00:00:01 to 02:00:00:00:00:02, so unicast.
  [[nodiscard]] static Packet ethernet();
  // Starts with the IP header (FW_LINK_IP).
  [[nodiscard]] static Packet ip();

  // Link layer.
  [[nodiscard]] Packet destination_mac(std::uint64_t number) const;
  [[nodiscard]] Packet source_mac(std::uint64_t number) const;
  [[nodiscard]] Packet vlan(unsigned id, unsigned ether_type = 0x8100) const;
  [[nodiscard]] Packet mpls(unsigned label) const;
  // A request, from 02:00:00:00:00:01.
  [[nodiscard]] Packet arp(std::string_view sender, std::string_view target) const;

  // IP. Addresses are text; one that does not parse aborts the test.
  [[nodiscard]] Packet ipv4(std::string_view source, std::string_view destination) const;
  [[nodiscard]] Packet ipv6(std::string_view source, std::string_view destination) const;
  [[nodiscard]] Packet ttl(unsigned hops) const;  // also the hop limit of IPv6
  [[nodiscard]] Packet tos(unsigned octet) const;
  [[nodiscard]] Packet id(unsigned number) const;  // IPv4, or of the IPv6 fragment header
  [[nodiscard]] Packet dont_fragment() const;
  // IPv4: sets the fields; IPv6: adds a fragment header. Offset in bytes, a multiple of 8.
  [[nodiscard]] Packet fragment(unsigned offset_bytes, bool more) const;
  // IPv4 or TCP, whichever came last: n bytes (a multiple of 4, at most 40) of no-operation.
  [[nodiscard]] Packet options(unsigned n) const;
  // IPv6 extension headers of 8 * (1 + units) bytes.
  [[nodiscard]] Packet hop_by_hop(unsigned units = 0) const;
  [[nodiscard]] Packet routing(unsigned units = 0) const;
  [[nodiscard]] Packet destination_options(unsigned units = 0) const;
  // IP authentication header of 24 bytes; for both families.
  [[nodiscard]] Packet authentication(std::uint32_t spi = 1) const;

  // Transport. Ports are source, destination.
  [[nodiscard]] Packet tcp(unsigned source_port, unsigned destination_port) const;
  [[nodiscard]] Packet flags(unsigned tcp_flags) const;
  [[nodiscard]] Packet syn() const { return flags(kSyn); }
  [[nodiscard]] Packet rst() const { return flags(kRst); }
  [[nodiscard]] Packet seq(std::uint32_t number) const;
  [[nodiscard]] Packet ack(std::uint32_t number) const;  // sets the flag as well
  [[nodiscard]] Packet window(unsigned size) const;
  [[nodiscard]] Packet udp(unsigned source_port, unsigned destination_port) const;
  [[nodiscard]] Packet icmp(unsigned type, unsigned code) const;
  [[nodiscard]] Packet icmpv6(unsigned type, unsigned code) const;
  // ICMP or ICMPv6, by the IP header before it.
  [[nodiscard]] Packet icmp_echo(unsigned id, unsigned seq) const;
  [[nodiscard]] Packet icmp_echo_reply(unsigned id, unsigned seq) const;
  [[nodiscard]] Packet neighbor_solicitation(std::string_view target) const;
  [[nodiscard]] Packet gre() const;  // its protocol field follows from the next layer
  [[nodiscard]] Packet esp(std::uint32_t spi) const;
  [[nodiscard]] Packet sctp(unsigned source_port, unsigned destination_port) const;
  // Any other protocol number: no header of its own, just what payload() adds.
  [[nodiscard]] Packet proto(unsigned number) const;

  // Appends to the payload: n bytes 0, 1, 2 ..., a text, or bytes (such as a quoted packet).
  [[nodiscard]] Packet payload(std::size_t n) const;
  [[nodiscard]] Packet payload(std::string_view text) const;
  [[nodiscard]] Packet payload(std::span<const fw_u8> bytes) const;

  // Wrong on purpose, in the layer that came last.
  [[nodiscard]] Packet header_words(unsigned words) const;  // IHL or TCP data offset
  [[nodiscard]] Packet length(unsigned n) const;            // IPv4 total, IPv6 payload, UDP length
  [[nodiscard]] Packet next(unsigned number) const;         // ether type or next protocol
  [[nodiscard]] Packet version(unsigned number) const;      // of the IP header
  [[nodiscard]] Packet bad_checksum() const;
  // Sets any byte of the finished frame.
  [[nodiscard]] Packet patch(std::size_t offset, fw_u8 value) const;

  // Appends zeros up to n bytes, as Ethernet does.
  [[nodiscard]] Packet padded_to(std::size_t n) const;
  // Cuts what was captured to n bytes; wire_bytes() stays.
  [[nodiscard]] Packet cut_to(std::size_t n) const;

  // The frame as captured.
  [[nodiscard]] Bytes bytes() const;
  // Its length on the wire, which is more than bytes().size() after cut_to().
  [[nodiscard]] std::uint32_t wire_bytes() const;

 private:
  enum class Kind {
    ethernet,
    vlan,
    mpls,
    ipv4,
    ipv6,
    extension,
    authentication,
    tcp,
    udp,
    icmp,
    icmpv6,
    gre,
    other
  };
  struct Layer {
    Kind kind = Kind::other;
    unsigned number = 0;      // its IP protocol number, 0: none
    unsigned ether_type = 0;  // 0: none
    Bytes head;
    int length = -1, next = -1;  // -1: filled in
    bool bad_checksum = false;
  };

  [[nodiscard]] Packet with(Layer layer) const;
  [[nodiscard]] Packet extension(unsigned number, unsigned units) const;
  Layer& last();
  Layer& last(Kind kind);
  Layer& last_ip();
  [[nodiscard]] bool is_v6() const;
  [[nodiscard]] Bytes whole() const;
  void finish(std::size_t index, Bytes& body) const;
  [[nodiscard]] unsigned next_number(std::size_t index) const;
  [[nodiscard]] unsigned next_ether_type(std::size_t index) const;
  [[nodiscard]] std::uint32_t pseudo_sum(std::size_t index, std::size_t size) const;

  std::vector<Layer> layers_;
  Bytes payload_;
  std::map<std::size_t, fw_u8> patches_;
  std::size_t padded_to_ = 0, cut_to_ = SIZE_MAX;
};

}  // namespace fw::test
