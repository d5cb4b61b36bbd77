// SPDX-License-Identifier: MIT
// Where the IP packet is in a record of each link type.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "capture/link.hpp"
#include "harness/packet.hpp"

namespace fw::capture {
namespace {

using test::Bytes;
using test::Packet;

Packet ip4() {
  return Packet::ip().ipv4("192.0.2.1", "198.51.100.7").udp(53, 1024).payload(20);
}

Packet ip6() {
  return Packet::ip().ipv6("2001:db8::1", "2001:db8::2").icmp_echo(1, 2);
}

std::span<const std::byte> as_span(const Bytes& bytes) {
  return std::as_bytes(std::span(bytes));
}

Bytes behind(Bytes head, const Packet& packet) {
  const Bytes bytes = packet.bytes();
  head.insert(head.end(), bytes.begin(), bytes.end());
  return head;
}

Bytes filled(std::size_t n, const Bytes& end) {
  Bytes head(n - end.size(), 0xee);
  head.insert(head.end(), end.begin(), end.end());
  return head;
}

// A data frame of 802.11, with the first byte's and the second byte's bits and n bytes in all.
Bytes wifi(fw_u8 kind, fw_u8 control, std::size_t n, const Bytes& ether_type) {
  Bytes head(n, 0);
  head[0] = kind;
  head[1] = control;
  for (const fw_u8 byte : Bytes{0xaa, 0xaa, 3, 0, 0, 0}) head.push_back(byte);
  head.insert(head.end(), ether_type.begin(), ether_type.end());
  return head;
}

Bytes radiotap(const Bytes& rest) {
  Bytes head = {0, 0, 12, 0, 0, 0, 0, 0, 1, 2, 3, 4};
  head.insert(head.end(), rest.begin(), rest.end());
  return head;
}

TEST(link, the_ip_packet_is_found_behind_every_head) {
  const Bytes v4 = {0x08, 0x00}, v6 = {0x86, 0xdd};
  struct Case {
    const char* what;
    std::uint16_t link_type;
    Bytes head;
    Packet packet;
  };
  const Case cases[] = {
      {"raw", 101, {}, ip4()},
      {"raw", 101, {}, ip6()},
      {"raw, 12", 12, {}, ip4()},
      {"raw, 14", 14, {}, ip6()},
      {"raw IPv4", 228, {}, ip4()},
      {"raw IPv6", 229, {}, ip6()},
      {"loopback, little-endian", 0, {2, 0, 0, 0}, ip4()},
      {"loopback, big-endian", 0, {0, 0, 0, 2}, ip4()},
      {"loopback, Linux", 0, {10, 0, 0, 0}, ip6()},
      {"loopback, OpenBSD", 108, {0, 0, 0, 24}, ip6()},
      {"loopback, FreeBSD", 0, {28, 0, 0, 0}, ip6()},
      {"loopback, macOS", 0, {30, 0, 0, 0}, ip6()},
      {"PPP", 9, {0xff, 3, 0, 0x21}, ip4()},
      {"PPP, short", 9, {0x57}, ip6()},
      {"PPP in HDLC", 50, {0xff, 3, 0, 0x57}, ip6()},
      {"PPPoE", 51, {0x11, 0, 0, 1, 0, 99, 0, 0x21}, ip4()},
      {"Cisco HDLC", 104, {0x0f, 0, 8, 0}, ip4()},
      {"cooked", 113, filled(16, v4), ip4()},
      {"cooked, IPv6", 113, filled(16, v6), ip6()},
      {"cooked, VLAN", 113, filled(20, {0x81, 0, 0, 5, 0x86, 0xdd}), ip6()},
      {"cooked, 2 VLANs", 113, filled(24, {0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0}), ip4()},
      {"cooked, PPPoE", 113, filled(24, {0x88, 0x64, 0x11, 0, 0, 1, 0, 99, 0, 0x21}), ip4()},
      {"cooked, MPLS", 113, filled(24, {0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64}), ip4()},
      {"cooked 2", 276,
       [] {
         Bytes head(20, 1);
         head[0] = 0x86;
         head[1] = 0xdd;
         return head;
       }(),
       ip6()},
      {"802.11", 105, wifi(0x08, 1, 24, v4), ip4()},
      {"802.11, QoS", 105, wifi(0x88, 2, 26, v6), ip6()},
      {"802.11, QoS, HT", 105, wifi(0x88, 0x82, 30, v6), ip6()},
      {"802.11, four addresses", 105, wifi(0x08, 3, 30, v4), ip4()},
      {"radiotap", 127, radiotap(wifi(0x08, 1, 24, v4)), ip4()},
  };
  for (const Case& c : cases) {
    const Bytes record = behind(c.head, c.packet);
    const auto size = static_cast<std::uint32_t>(record.size());
    const auto frame = frame_of(c.link_type, as_span(record), size + 1000);
    ASSERT_TRUE(frame.has_value()) << c.what;
    if (!frame) return;  // for the analyzer
    EXPECT_FALSE(frame->is_ethernet) << c.what;
    EXPECT_EQ(frame->data.data(), as_span(record).data() + c.head.size()) << c.what;
    EXPECT_EQ(frame->data.size(), c.packet.bytes().size()) << c.what;
    EXPECT_EQ(frame->wire_bytes, c.packet.bytes().size() + 1000) << c.what;

    // Cut anywhere: never a byte outside, and nothing without at least a byte of the packet.
    for (std::size_t n = 0; n < record.size(); ++n) {
      const Bytes cut(record.begin(), record.begin() + static_cast<long>(n));
      const auto part = frame_of(c.link_type, as_span(cut), size);
      EXPECT_EQ(part.has_value(), n > c.head.size()) << c.what << n;
      if (part) {
        EXPECT_EQ(part->data.data() + part->data.size(), as_span(cut).data() + cut.size())
            << c.what;
      }
    }
  }
}

TEST(link, ethernet_frames_stay_whole) {
  const Bytes bytes = Packet::ethernet().vlan(5).ipv4("192.0.2.1", "192.0.2.2").bytes();
  const auto frame = frame_of(1, as_span(bytes), 900);
  ASSERT_TRUE(frame.has_value());
  if (!frame) return;  // for the analyzer
  EXPECT_TRUE(frame->is_ethernet);
  EXPECT_EQ(frame->data.data(), as_span(bytes).data());
  EXPECT_EQ(frame->data.size(), bytes.size());
  EXPECT_EQ(frame->wire_bytes, 900U);
}

TEST(link, a_wire_length_below_the_captured_one_is_raised_to_it) {
  const Bytes bytes = ip4().bytes();
  EXPECT_EQ(frame_of(101, as_span(bytes), 3).value_or(Frame{}).wire_bytes, bytes.size());
}

TEST(link, what_is_not_ip_gives_no_frame) {
  const std::pair<std::uint16_t, Bytes> cases[] = {
      {101, {0x50, 0, 0, 0}},                              // version 5
      {0, {7, 0, 0, 0, 0x45}},                             // another family
      {9, {0xff, 3, 0xc0, 0x21, 0x45}},                    // LCP
      {113, filled(17, {0x08, 0x06, 0x45})},               // ARP
      {113, Bytes(64, 0)},                                 // zeros
      {105, behind(wifi(0x08, 0x41, 24, {8, 0}), ip4())},  // encrypted
      {105, behind(wifi(0x80, 0x00, 24, {8, 0}), ip4())},  // a beacon
      {249, behind({}, ip4())},                            // USB
      {65535, behind({}, ip4())},
      {101, {}},
  };
  for (const auto& [link_type, bytes] : cases)
    EXPECT_FALSE(frame_of(link_type, as_span(bytes), 100).has_value()) << link_type;
}

TEST(link, endless_labels_and_tags_end_with_the_frame) {
  Bytes labels = filled(16, {0x88, 0x47}), tags = filled(16, {0x81, 0x00});
  for (int i = 0; i < 5000; ++i) {
    for (const fw_u8 byte : Bytes{0, 1, 0, 64}) labels.push_back(byte);
    for (const fw_u8 byte : Bytes{0, 5, 0x81, 0}) tags.push_back(byte);
  }
  EXPECT_FALSE(frame_of(113, as_span(labels), 1).has_value());
  EXPECT_FALSE(frame_of(113, as_span(tags), 1).has_value());
}

}  // namespace
}  // namespace fw::capture
