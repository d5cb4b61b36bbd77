// SPDX-License-Identifier: MIT
// The packet builder against frames that another tool made (Scapy 2.5), byte for byte.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/packet.hpp"

namespace fw::test {
namespace {

std::string hex(const Bytes& bytes) {
  std::string text;
  for (const fw_u8 byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

Packet ip4() {
  return Packet::ip().ipv4("192.0.2.1", "198.51.100.7");
}

Packet ethernet6() {
  return Packet::ethernet().ipv6("2001:db8::1", "2001:db8::2");
}

TEST(harness, builds_tcp_behind_a_vlan_tag_and_ip_options) {
  const Packet packet = Packet::ethernet().vlan(5).ipv4("192.0.2.1", "198.51.100.7").options(4);
  EXPECT_EQ(hex(packet.tcp(40000, 80).syn().seq(7).payload(3).bytes()),
            "0200000000020200000000018100000508004600002f0000000040068b8bc0000201c63364070101010"
            "19c40005000000007000000005002faf02a1a0000000102");
}

TEST(harness, builds_udp_behind_ipv6_extension_headers) {
  const Packet packet = ethernet6().hop_by_hop().fragment(0, true).id(9).destination_options();
  EXPECT_EQ(hex(packet.udp(53, 1024).payload("abc").bytes()),
            "02000000000202000000000186dd600000000023004020010db800000000000000000000000120010db8"
            "0000000000000000000000022c000104000000003c000001000000091100010400000000003504000"
            "00bdbcb616263");
}

TEST(harness, builds_echo_requests_of_both_families) {
  EXPECT_EQ(hex(ip4().icmp_echo(3, 4).payload(5).bytes()),
            "450000210000000040018ea0c0000201c63364070800f1f4000300040001020304");
  EXPECT_EQ(hex(ethernet6().icmp_echo(3, 4).bytes()),
            "02000000000202000000000186dd6000000000083a4020010db800000000000000000000000120010db8"
            "0000000000000000000000028000244100030004");
}

TEST(harness, builds_tunnels_and_sctp) {
  EXPECT_EQ(hex(ip4().gre().ipv4("10.0.0.1", "10.0.0.2").udp(1, 2).bytes()),
            "4500003400000000402f8e5fc0000201c6336407000008004500001c00000000401166cf0a0000010a00"
            "0002000100020008ebd8");
  EXPECT_EQ(hex(ip4().sctp(1, 2).payload("abcd").bytes()),
            "450000240000000040848e1ac0000201c63364070001000200000000d756f59e61626364");
}

TEST(harness, a_cut_packet_keeps_its_length_on_the_wire) {
  const Packet packet = ip4().proto(200).payload(100).cut_to(24);
  EXPECT_EQ(packet.bytes().size(), 24U);
  EXPECT_EQ(packet.wire_bytes(), 120U);
}

TEST(harness, lies_are_kept) {
  const Bytes bytes = ip4().header_words(4).length(9).next(77).version(5).payload(1).bytes();
  EXPECT_EQ(bytes[0], 0x54);
  EXPECT_EQ(bytes[3], 9);
  EXPECT_EQ(bytes[9], 77);
  EXPECT_NE(ip4().udp(1, 2).bytes(), ip4().udp(1, 2).bad_checksum().bytes());
  EXPECT_EQ(ip4().patch(1, 9).bytes()[1], 9);
}

TEST(harness, short_frames_can_be_padded) {
  const Bytes bytes = Packet::ethernet().ipv4("192.0.2.1", "192.0.2.2").padded_to(60).bytes();
  EXPECT_EQ(bytes.size(), 60U);
  EXPECT_EQ(bytes[17], 20);  // the IP length does not count the padding
}

}  // namespace
}  // namespace fw::test
