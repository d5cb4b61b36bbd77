// SPDX-License-Identifier: MIT
// Parsing: every encapsulation, wrong lengths, and frames that end anywhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "policy_lab.hpp"

namespace fw::test {
namespace {

struct Parsed {
  bool ok = false;
  fw_packet packet{};
};

// The bytes are in an allocation of exactly their size, so that the sanitizer sees a read beyond
// it.
Parsed parse(const Bytes& bytes, std::size_t wire_bytes, unsigned link) {
  const auto exact = std::make_unique<fw_u8[]>(bytes.size());
  std::ranges::copy(bytes, exact.get());
  const fw_frame frame{.data = exact.get(),
                       .captured_bytes = static_cast<fw_u32>(bytes.size()),
                       .wire_bytes = static_cast<fw_u32>(wire_bytes),
                       .link = static_cast<fw_u8>(link)};
  Parsed out;
  out.ok = fw_policy_parse(&frame, &out.packet) != 0;
  return out;
}
Parsed parse(const Packet& made, unsigned link = FW_LINK_ETHERNET) {
  return parse(made.bytes(), made.wire_bytes(), link);
}

std::string verdict(const Packet& made) {
  return Lab().in(made);
}
// A frame that the builder has no words for.
std::string verdict(const Bytes& bytes, unsigned link = FW_LINK_ETHERNET) {
  Lab lab;
  const fw_decision decision =
      lab.datapath.decide({.data = bytes.data(),
                           .captured_bytes = static_cast<fw_u32>(bytes.size()),
                           .wire_bytes = static_cast<fw_u32>(bytes.size()),
                           .link = static_cast<fw_u8>(link)},
                          lab.now_ns, lab.packet);
  return (decision.verdict == FW_DROP ? "drop " : "pass ") + reason_word(decision.reason);
}

// A PPPoE session frame behind these link headers; `protocol` is PPP's, in one byte or two.
Bytes pppoe(const Packet& link, const Bytes& protocol, const Bytes& inside,
            std::size_t claims_more = 0) {
  Bytes out = link.bytes();
  const std::size_t size = protocol.size() + inside.size() + claims_more;
  out.insert(out.end(), {0x11, 0, 0, 9, static_cast<fw_u8>(size >> 8), static_cast<fw_u8>(size)});
  out.insert(out.end(), protocol.begin(), protocol.end());
  out.insert(out.end(), inside.begin(), inside.end());
  return out;
}

Packet tcp4() {
  return from(kPeer).tcp(40000, 80).flags(kSyn).seq(7).payload("floodwall");
}
Packet udp6() {
  return from(kPeer6).udp(1234, 53).payload("floodwall");
}

TEST(parse, reads_tcp_over_ipv4) {
  const auto [ok, p] =
      parse(from(kPeer).ttl(61).tcp(40000, 80).seq(7).ack(9).window(512).payload("floodwall"));
  ASSERT_TRUE(ok);
  EXPECT_EQ(p.src.hi, 0U);
  EXPECT_EQ(p.src.lo, 0xffffc0000201U);
  EXPECT_EQ(p.dst.lo, 0xffffc6336407U);
  EXPECT_EQ(p.proto, 6);
  EXPECT_EQ(p.ttl, 61);
  EXPECT_EQ(p.sport, 40000);
  EXPECT_EQ(p.dport, 80);
  EXPECT_EQ(p.seq, 7U);
  EXPECT_EQ(p.ack, 9U);
  EXPECT_EQ(p.tcp_flags, FW_TCP_ACK);
  EXPECT_EQ(p.tcp_window, 512);
  EXPECT_EQ(p.len_bytes, 14U + 20 + 20 + 9);
  EXPECT_EQ(p.ip_len_bytes, 20U + 20 + 9);
  EXPECT_EQ(p.payload_bytes, 9);
  EXPECT_EQ(p.payload_head, 0x666c6f6f6477616cULL);  // "floodwal"
  EXPECT_EQ(p.l4_header_bytes, 20);
  EXPECT_EQ(p.fragment, FW_FRAG_NONE);
}

TEST(parse, reads_udp_over_ipv6) {
  const auto [ok, p] = parse(udp6());
  ASSERT_TRUE(ok);
  EXPECT_EQ(p.is_v6, 1);
  EXPECT_EQ(p.src.hi, 0x20010db800010000ULL);
  EXPECT_EQ(p.src.lo, 1U);
  EXPECT_EQ(p.proto, 17);
  EXPECT_EQ(p.sport, 1234);
  EXPECT_EQ(p.dport, 53);
  EXPECT_EQ(p.ip_len_bytes, 40U + 8 + 9);
  EXPECT_EQ(p.payload_bytes, 9);
}

TEST(parse, reads_the_identifier_of_echoes_and_type_and_code_of_icmp) {
  EXPECT_EQ(parse(from(kPeer).icmp_echo(77, 1)).packet.dport, 77);
  EXPECT_EQ(parse(from(kPeer6).icmp_echo_reply(78, 1)).packet.dport, 78);
  const auto [ok, p] = parse(from(kPeer).icmp(3, 4));
  ASSERT_TRUE(ok);
  EXPECT_EQ(p.icmp_type, 3);
  EXPECT_EQ(p.icmp_code, 4);
  EXPECT_EQ(p.dport, 0);
}

TEST(parse, finds_the_same_packet_behind_every_encapsulation) {
  const auto inner4 = [](const Packet& p) { return p.ipv4(kPeer, kHost).tcp(40000, 80).syn(); };
  const auto inner6 = [](const Packet& p) { return p.ipv6(kPeer6, kHost6); };
  const Packet e = Packet::ethernet();
  const Packet cases[] = {
      inner4(e),
      inner4(e.vlan(5)),
      inner4(e.vlan(5, 0x88a8).vlan(6)),
      inner4(e.vlan(5, 0x9100).vlan(6)),
      inner4(e.vlan(1).vlan(2).vlan(3).vlan(4)),
      inner4(e.vlan(0).vlan(0, 0x88a8).vlan(0).vlan(0).vlan(0, 0x88a8).vlan(0).vlan(0).vlan(7)),
      inner4(e.vlan(0).vlan(0).vlan(0).mpls(16)),
      inner4(e.mpls(16)),
      inner4(e.vlan(5).mpls(16)),
      e.ipv4(kPeer, kHost).options(4).tcp(40000, 80).syn(),
      e.ipv4(kPeer, kHost).options(40).tcp(40000, 80).syn(),
      e.ipv4(kPeer, kHost).tcp(40000, 80).syn().options(40),
      inner6(e).tcp(40000, 80).syn(),
      inner6(e.vlan(5)).tcp(40000, 80).syn(),
      inner6(e.mpls(16)).tcp(40000, 80).syn(),
      inner6(e).hop_by_hop().tcp(40000, 80).syn(),
      inner6(e).hop_by_hop(31).tcp(40000, 80).syn(),
      inner6(e).routing(2).tcp(40000, 80).syn(),
      inner6(e).destination_options(1).tcp(40000, 80).syn(),
      inner6(e).authentication().tcp(40000, 80).syn(),
      inner6(e).fragment(0, false).tcp(40000, 80).syn(),
      inner6(e).fragment(0, true).destination_options(3).tcp(40000, 80).syn(),
      inner6(e).hop_by_hop().routing().destination_options().authentication().tcp(40000, 80).syn(),
  };
  for (const Packet& made : cases) {
    const auto [ok, p] = parse(made);
    ASSERT_TRUE(ok) << &made - cases;
    EXPECT_EQ(p.proto, 6) << &made - cases;
    EXPECT_EQ(p.sport, 40000) << &made - cases;
    EXPECT_EQ(p.dport, 80) << &made - cases;
    EXPECT_EQ(p.tcp_flags, FW_TCP_SYN) << &made - cases;
    EXPECT_EQ(p.src.lo, p.is_v6 ? 1U : 0xffffc0000201U) << &made - cases;
  }
}

TEST(parse, reads_mobility_hip_and_shim6_headers_as_extensions) {
  for (const unsigned number : {135U, 139U, 140U}) {
    const Packet made = from(kPeer6).destination_options().next(17).udp(1, 2);
    // The builder has no such header; destination options have the same format.
    const auto [ok, p] = parse(made.patch(14 + 6, static_cast<fw_u8>(number)));
    ASSERT_TRUE(ok);
    EXPECT_EQ(p.proto, 17) << number;
    EXPECT_EQ(p.dport, 2) << number;
  }
}

TEST(parse, later_fragments_have_no_ports_and_first_ones_have) {
  for (const char* peer : {kPeer, kPeer6}) {
    const auto later = parse(from(peer).fragment(1480, true).udp(53, 80).payload(32));
    ASSERT_TRUE(later.ok);
    EXPECT_EQ(later.packet.fragment, FW_FRAG_LATER);
    EXPECT_EQ(later.packet.proto, 17);
    EXPECT_EQ(later.packet.sport, 0);
    EXPECT_EQ(later.packet.dport, 0);
    const auto first = parse(from(peer).fragment(0, true).udp(53, 80).payload(32));
    ASSERT_TRUE(first.ok);
    EXPECT_EQ(first.packet.fragment, FW_FRAG_FIRST);
    EXPECT_EQ(first.packet.dport, 80);
  }
}

TEST(parse, a_first_fragment_too_small_for_its_header_is_malformed) {  // RFC 1858, RFC 7112
  EXPECT_EQ(verdict(from(kPeer).fragment(0, true).tcp(1, 80).syn().length(20).next(6)),
            verdict(from(kPeer).fragment(0, true).tcp(1, 80).syn()));
  EXPECT_EQ(
      verdict(Packet::ethernet().ipv4(kPeer, kHost).fragment(0, true).length(28).tcp(1, 80).syn()),
      "drop malformed");
  EXPECT_EQ(verdict(from(kPeer6).fragment(0, true).next(6).proto(253).payload(8)),
            "drop malformed");
}

TEST(parse, padding_is_not_part_of_the_packet) {
  const Packet small = from(kPeer).udp(1234, 80).payload("ab");
  const Parsed plain = parse(small);
  const Parsed padded = parse(small.padded_to(60));
  ASSERT_TRUE(plain.ok && padded.ok);
  EXPECT_EQ(padded.packet.len_bytes, 60U);
  EXPECT_EQ(padded.packet.payload_bytes, 2);
  EXPECT_EQ(padded.packet.payload_head, 0U);
  EXPECT_EQ(padded.packet.ip_len_bytes, plain.packet.ip_len_bytes);
}

TEST(parse, a_header_is_never_read_from_the_padding) {
  EXPECT_EQ(verdict(from(kPeer).length(20).tcp(1, 80).syn().padded_to(60)), "drop malformed");
  EXPECT_EQ(verdict(from(kPeer).length(39).tcp(1, 80).syn().padded_to(60)), "drop malformed");
  EXPECT_EQ(verdict(from(kPeer).length(27).udp(1, 80).padded_to(60)), "drop malformed");
  EXPECT_EQ(verdict(from(kPeer).length(27).icmp(8, 0).padded_to(60)), "drop malformed");
  EXPECT_EQ(verdict(from(kPeer6).length(7).udp(1, 80).padded_to(80)), "drop malformed");
  EXPECT_EQ(verdict(from(kPeer6).length(12).hop_by_hop().udp(1, 80).padded_to(80)),
            "drop malformed");
}

TEST(parse, lengths_that_contradict_the_packet_are_malformed) {
  const Packet cases[] = {
      from(kPeer).header_words(4).udp(1, 80),
      from(kPeer).header_words(15).udp(1, 80),
      from(kPeer).length(19).udp(1, 80),
      from(kPeer).length(29).udp(1, 80),
      from(kPeer).length(65535).udp(1, 80),
      from(kPeer).version(6).udp(1, 80),
      from(kPeer).version(5).udp(1, 80),
      from(kPeer).tcp(1, 80).syn().header_words(4),
      from(kPeer).tcp(1, 80).syn().header_words(6),
      from(kPeer).udp(1, 80).length(7),
      from(kPeer6).length(9).udp(1, 80),
      from(kPeer6).version(4).udp(1, 80),
      from(kPeer6).hop_by_hop().patch(14 + 40 + 1, 2).udp(1, 80),
  };
  for (const Packet& made : cases) EXPECT_EQ(verdict(made), "drop malformed") << &made - cases;
}

TEST(parse, impossible_tcp_flags_are_malformed) {
  EXPECT_EQ(verdict(from(kPeer).tcp(1, 80).flags(0)), "drop malformed");
  EXPECT_EQ(verdict(from(kPeer).tcp(1, 80).flags(kSyn | kFin)), "drop malformed");
  EXPECT_EQ(verdict(from(kPeer).tcp(1, 80).flags(kSyn | kRst)), "drop malformed");
  EXPECT_EQ(verdict(from(kPeer).tcp(1, 80).flags(kFin | kPsh | kUrg)), "pass pass");
  EXPECT_EQ(verdict(from(kPeer).tcp(1, 80).flags(0xc0)), "drop malformed");  // ECN bits alone
}

TEST(parse, a_length_of_zero_is_taken_from_the_frame) {  // the card fills it in; jumbograms
  EXPECT_EQ(parse(from(kPeer).length(0).udp(1, 80).payload(9)).packet.payload_bytes, 9);
  EXPECT_EQ(parse(from(kPeer6).length(0).udp(1, 80).payload(9)).packet.payload_bytes, 9);
}

TEST(parse, a_frame_that_ends_anywhere_is_malformed_and_never_read_beyond_its_end) {
  const Packet cases[] = {tcp4(), udp6(), from(kPeer).options(8).udp(1, 80),
                          from(kPeer6).hop_by_hop(1).fragment(0, false).tcp(1, 80).syn().options(8),
                          Packet::ethernet().vlan(5).ipv4(kPeer, kHost).icmp(8, 0)};
  for (const Packet& made : cases) {
    const Bytes whole = made.bytes();
    const bool tagged = whole[12] == 0x81;
    for (std::size_t size = 0; size < whole.size(); size++) {
      const auto exact = std::make_unique<fw_u8[]>(size);
      std::copy_n(whole.begin(), size, exact.get());
      const fw_frame frame{.data = exact.get(),
                           .captured_bytes = static_cast<fw_u32>(size),
                           .wire_bytes = static_cast<fw_u32>(size),
                           .link = FW_LINK_ETHERNET};
      Lab lab;
      const fw_decision decision = lab.datapath.decide(frame, lab.now_ns, lab.packet);
      EXPECT_EQ(reason_word(decision.reason), size < (tagged ? 18U : 14U) ? "not-ip" : "malformed")
          << &made - cases << " at " << size;
    }
  }
}

TEST(parse, a_packet_is_not_malformed_because_its_end_was_not_captured) {
  const Packet cases[] = {
      tcp4(), udp6(), from(kPeer6).hop_by_hop(1).fragment(0, false).tcp(1, 80).syn().options(8)};
  for (const Packet& made : cases) {
    const std::size_t whole = made.bytes().size();
    const std::size_t addresses_end = 14 + (made.bytes()[12] == 0x86 ? 40 : 20);
    for (std::size_t size = 0; size < whole; size++) {
      Lab lab;
      EXPECT_EQ(lab.in(made.cut_to(size)), size < addresses_end ? "pass not-ip" : "pass pass")
          << &made - cases << " at " << size;
      EXPECT_EQ(lab.packet.len_bytes, whole);
    }
  }
}

TEST(parse, more_headers_than_are_read_are_malformed_and_no_way_around) {
  for (const unsigned n : {9U, 10U, 60U, 300U}) {
    Packet tagged = Packet::ethernet(), labelled = tagged, chain6 = from(kPeer6);
    for (unsigned i = 0; i < n; i++) {
      tagged = tagged.vlan(0, i % 3 == 0 ? 0x88a8 : 0x8100);
      labelled = labelled.mpls(16);
      chain6 = chain6.destination_options();
    }
    EXPECT_EQ(verdict(tagged.ipv4(kPeer, kHost).udp(1, 80)), "drop malformed") << n;
    EXPECT_EQ(verdict(tagged.ipv6(kPeer6, kHost6).udp(1, 80)), "drop malformed") << n;
    EXPECT_EQ(verdict(labelled.ipv4(kPeer, kHost).udp(1, 80)), "drop malformed") << n;
    EXPECT_EQ(verdict(chain6.udp(1, 80)), "drop malformed") << n;
    EXPECT_EQ(verdict(chain6.tcp(1, 80).syn()), "drop malformed") << n;
    EXPECT_EQ(verdict(chain6.icmpv6(128, 0)), "drop malformed") << n;
  }
}

TEST(parse, chains_that_nobody_accepts_are_malformed) {
  EXPECT_EQ(verdict(from(kPeer6).hop_by_hop().hop_by_hop().udp(1, 80)), "drop malformed");
  EXPECT_EQ(verdict(from(kPeer6).destination_options().hop_by_hop().udp(1, 80)), "drop malformed");
  for (const unsigned offset : {0U, 8U})
    EXPECT_EQ(verdict(from(kPeer6).fragment(0, false).fragment(offset, true).udp(1, 80)),
              "drop malformed");
  // A first fragment whose chain of headers goes on in the next one (RFC 7112).
  EXPECT_EQ(verdict(from(kPeer6).length(16).fragment(0, true).destination_options(3).udp(1, 80)),
            "drop malformed");
}

TEST(parse, reads_the_packet_of_a_pppoe_session) {
  const Bytes inside4 = Packet::ip().ipv4(kPeer, kHost).udp(1234, 53).payload(9).bytes(),
              inside6 = Packet::ip().ipv6(kPeer6, kHost6).udp(1234, 53).payload(9).bytes();
  const Packet e = Packet::ethernet().next(0x8864),
               tagged = Packet::ethernet().vlan(7).next(0x8864);
  Bytes padded = pppoe(e, {0, 0x21}, inside4);
  padded.resize(200);
  for (const Bytes& frame :
       {pppoe(e, {0, 0x21}, inside4), pppoe(e, {0, 0x57}, inside6), pppoe(e, {0x21}, inside4),
        pppoe(e, {0x57}, inside6), pppoe(tagged, {0, 0x21}, inside4),
        pppoe(tagged, {0, 0x57}, inside6), padded}) {
    const auto [ok, p] = parse(frame, frame.size(), FW_LINK_ETHERNET);
    ASSERT_TRUE(ok);
    EXPECT_EQ(p.src.lo, p.is_v6 ? 1U : 0xffffc0000201U);
    EXPECT_EQ(p.proto, 17);
    EXPECT_EQ(p.dport, 53);
    EXPECT_EQ(p.payload_bytes, 9);
  }
  EXPECT_EQ(verdict(pppoe(e, {0, 0x21}, inside6)), "drop malformed");
  EXPECT_EQ(verdict(pppoe(e, {0, 0x21}, inside4, 1)), "drop malformed");  // longer than the frame
  for (const fw_u8 hidden : Bytes{0x2d, 0x2f, 0x3d, 0xfb, 0xfd})
    EXPECT_EQ(verdict(pppoe(e, {0, hidden}, inside4)), "drop malformed") << hidden;
}

TEST(parse, what_keeps_a_pppoe_link_alive_passes) {
  const Bytes nothing(30);
  EXPECT_EQ(verdict(Packet::ethernet().next(0x8863).payload(40)), "pass not-ip");  // discovery
  for (const Bytes& control : {Bytes{0xc0, 0x21}, {0xc2, 0x23}, {0x80, 0x21}, {0x80, 0x57}})
    EXPECT_EQ(verdict(pppoe(Packet::ethernet().next(0x8864), control, nothing)), "pass not-ip");
}

TEST(parse, what_is_not_ip_is_not_judged) {
  EXPECT_EQ(verdict(Packet::ethernet().arp(kPeer, kHost)), "pass link");
  EXPECT_EQ(verdict(Packet::ethernet().payload(60)), "pass not-ip");
  EXPECT_EQ(verdict(Packet::ethernet().mpls(16).payload(60)), "pass not-ip");  // a pseudowire
}

TEST(parse, reads_frames_that_begin_with_the_ip_header) {
  EXPECT_TRUE(parse(Packet::ip().ipv4(kPeer, kHost).udp(1, 80), FW_LINK_IP).ok);
  EXPECT_EQ(parse(Packet::ip().ipv6(kPeer6, kHost6).udp(1, 80), FW_LINK_IP).packet.is_v6, 1);
  EXPECT_EQ(verdict(Packet::ip().ipv4(kPeer, kHost).version(7).bytes(), FW_LINK_IP),
            "drop malformed");
  const fw_frame nothing{.data = nullptr, .captured_bytes = 0, .wire_bytes = 0, .link = FW_LINK_IP};
  fw_packet packet{};
  EXPECT_FALSE(fw_policy_parse(&nothing, &packet));
}

}  // namespace
}  // namespace fw::test
