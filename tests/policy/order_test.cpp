// SPDX-License-Identifier: MIT
// The order of the stages, and the verdict of each: link control, entries, lists, services, modes.
#include <gtest/gtest.h>

#include <set>

#include "policy_lab.hpp"

namespace fw::test {
namespace {

Packet udp(std::string_view peer = kPeer, unsigned port = 80) {
  return from(peer).udp(1234, port).payload(20);
}
Packet dhcp() {
  return Packet::ethernet().ipv4(kPeer, kHost).udp(67, 68).payload("\x02reply..reply");
}

TEST(order, every_reason_has_a_packet) {
  Lab lab;
  std::set<std::string> seen;
  const auto see = [&](const Packet& packet) {
    (void)lab.in(packet);
    seen.insert(reason_word(lab.decision.reason));
  };
  lab.service(false, 22, 1, FW_ACTION_DROP);
  lab.service(true, 4000, 2, FW_ACTION_PASS);
  lab.limit(FW_METRIC_UDP, 1, 0);
  lab.lists("192.0.2.66", "192.0.2.77");
  EXPECT_GE(lab.entry(FW_ENTRY_BAN, "192.0.2.88"), 0);
  EXPECT_GE(lab.entry(FW_ENTRY_EXEMPT, "192.0.2.99"), 0);
  EXPECT_GE(lab.entry(FW_ENTRY_BAN, "192.0.2.98", kSecond, 0, 0, FW_ENTRY_RESTRICTED), 0);
  EXPECT_GE(lab.entry(FW_ENTRY_EXEMPT, kHost, kSecond, 0, 0, FW_ENTRY_OWN), 0);
  see(Packet::ethernet().payload(60));
  see(Packet::ethernet().arp(kPeer, kHost));
  see(from(kPeer).tcp(1, 80).flags(0));
  see(udp("192.0.2.66"));
  see(udp("192.0.2.77"));
  see(udp("192.0.2.88"));
  see(udp("192.0.2.99"));
  see(udp("192.0.2.98"));
  see(Packet::ethernet().ipv4(kHost, kHost).udp(1, 2));
  see(from(kPeer).tcp(1, 22).syn());
  see(udp(kPeer, 4000));
  see(udp());
  see(udp());
  lab.handshake(kPeer);
  seen.insert(reason_word(lab.decision.reason));
  see(from("203.0.113.9")
          .icmp(3, 1)
          .payload(Packet::ip().ipv4(kHost, kPeer).tcp(80, 40000).bytes()));
  lab.config.mode = FW_MODE_OFF;
  lab.publish();
  see(udp());
  const fw_counters counters = lab.datapath.counters();
  for (unsigned reason = 0; reason < FW_REASON_COUNT; reason++) {
    // Those take many packets or a listener, and are tested elsewhere: signatures_test,
    // budgets_test, net/test_cookies.py.
    if (reason == FW_REASON_SIGNATURE || reason == FW_REASON_BUDGET) continue;
    if (reason == FW_REASON_CHALLENGE) continue;
    if (reason == FW_REASON_OUTGOING) seen.insert(reason_word(reason));  // has no verdict
    EXPECT_TRUE(seen.contains(reason_word(reason))) << reason_word(reason);
    if (reason == FW_REASON_NONE) continue;
    EXPECT_GT(counters.packets[reason], 0U) << reason_word(reason);
    EXPECT_GT(counters.bytes[reason], 0U) << reason_word(reason);
  }
}

TEST(order, without_a_policy_everything_passes) {
  datapath::UserDatapath empty({.sources = 64, .flows = 64, .bans = 8}, 1);
  const Bytes bytes = from(kPeer).tcp(1, 80).flags(0).bytes();
  const auto size = static_cast<fw_u32>(bytes.size());
  const fw_frame frame{
      .data = bytes.data(), .captured_bytes = size, .wire_bytes = size, .link = FW_LINK_ETHERNET};
  fw_packet packet{};
  const fw_decision decision = empty.decide(frame, 5, packet);
  EXPECT_EQ(decision.verdict, FW_PASS);
  EXPECT_EQ(decision.reason, FW_REASON_NONE);
}

TEST(order, exempt_wins_over_allowed_over_denied_over_banned) {
  Lab lab;
  EXPECT_GE(lab.entry(FW_ENTRY_BAN, "192.0.2.1"), 0);
  EXPECT_EQ(lab.in(udp()), "drop ban");
  lab.lists(kPeer, "");
  EXPECT_EQ(lab.in(udp()), "drop deny");
  lab.lists(kPeer, kPeer);
  EXPECT_EQ(lab.in(udp()), "pass allow");
  lab.lists(kPeer, "");
  EXPECT_GE(lab.entry(FW_ENTRY_ALLOW, "192.0.2.0/24"), 0);
  EXPECT_EQ(lab.in(udp()), "pass allow");
  EXPECT_GE(lab.entry(FW_ENTRY_EXEMPT, "192.0.0.0/8"), 0);
  EXPECT_EQ(lab.in(udp()), "pass exempt");
}

TEST(order, an_exempt_source_is_neither_metered_nor_limited) {
  Lab lab;
  lab.limit(FW_METRIC_PACKETS, 1, 0, 1);
  EXPECT_GE(lab.entry(FW_ENTRY_EXEMPT, "192.0.2.1", FW_FOREVER), 0);
  for (int i = 0; i < 1000; i++, lab.now_ns += kSecond / 400)
    ASSERT_EQ(lab.in(udp()), "pass exempt");
  EXPECT_EQ(lab.datapath.counters().new_sources, 0U);
}

TEST(order, a_malformed_packet_is_dropped_even_from_an_allowed_source) {
  Lab lab;
  lab.lists("", kPeer);
  EXPECT_EQ(lab.in(from(kPeer).tcp(1, 80).flags(0)), "drop malformed");
}

TEST(order, no_kind_of_packet_evades_a_ban_or_a_deny_list) {
  for (const char* peer : {kPeer, kPeer6}) {
    const bool v6 = peer == kPeer6;
    const auto inner = [&](const Packet& p) {
      return v6 ? p.ipv6(kPeer6, kHost6) : p.ipv4(kPeer, kHost);
    };
    const Packet e = Packet::ethernet();
    std::vector<Packet> cases = {inner(e).tcp(1, 80).syn(),
                                 inner(e).tcp(1, 80).ack(5),
                                 inner(e).tcp(1, 80).rst(),
                                 inner(e).udp(53, 80).payload(9),
                                 inner(e).icmp_echo(1, 1),
                                 inner(e).icmp_echo_reply(1, 1),
                                 inner(e).gre().payload(30),
                                 inner(e).esp(7).payload(30),
                                 inner(e).sctp(1, 2),
                                 inner(e).proto(200).payload(4),
                                 inner(e).proto(253),
                                 inner(e.vlan(7)).udp(1, 80),
                                 inner(e.vlan(7, 0x88a8).vlan(8)).udp(1, 80),
                                 inner(e.mpls(16)).udp(1, 80),
                                 inner(e).fragment(0, true).udp(1, 80).payload(32),
                                 inner(e).fragment(800, true).udp(1, 80).payload(32),
                                 inner(e).fragment(800, false).proto(17).payload(3),
                                 inner(e).tcp(1, 80).syn().cut_to(14 + (v6 ? 40 : 20)),
                                 inner(e).authentication().udp(1, 80)};
    if (v6) {
      cases.push_back(inner(e).hop_by_hop(3).udp(1, 80));
      cases.push_back(inner(e).routing().udp(1, 80));
      cases.push_back(inner(e).destination_options().icmpv6(135, 0).payload(16));  // limit 64
      Packet long_chain = inner(e);
      for (int i = 0; i < 8; i++) long_chain = long_chain.destination_options();
      cases.push_back(long_chain.udp(1, 80));
    } else {
      cases.push_back(inner(e).options(40).udp(1, 80));
    }
    Lab banned;
    EXPECT_GE(banned.entry(FW_ENTRY_BAN, v6 ? "2001:db8:1::/64" : kPeer), 0);
    Lab denied;
    denied.lists(peer, "");
    for (const Packet& made : cases) {
      EXPECT_EQ(banned.in(made), "drop ban") << peer << " " << &made - cases.data();
      EXPECT_EQ(denied.in(made), "drop deny") << peer << " " << &made - cases.data();
    }
  }
}

// fw_counters.last_was_denied predicts that the next packet is denied, too: it must only be a hint.
TEST(order, a_packet_after_a_denied_one_is_judged_like_any_other) {
  Lab lab;
  lab.lists("192.0.2.66", "");
  for (const char* other : {kPeer, "192.0.3.66", "203.0.113.9", "0.0.0.1"}) {
    EXPECT_EQ(lab.in(udp("192.0.2.66")), "drop deny");
    EXPECT_EQ(lab.in(udp("192.0.2.66")), "drop deny");
    EXPECT_EQ(lab.in(udp(other)), "pass pass") << other;
  }
  EXPECT_EQ(lab.in(udp("192.0.2.66")), "drop deny");
  lab.lists("", "");
  EXPECT_EQ(lab.in(udp("192.0.2.66")), "pass pass");
}

TEST(order, neighbour_discovery_passes_from_a_banned_neighbour_only_if_no_router_forwarded_it) {
  Lab lab;
  EXPECT_GE(lab.entry(FW_ENTRY_BAN, "2001:db8:1::/64"), 0);
  EXPECT_EQ(lab.in(from(kPeer6).neighbor_solicitation(kHost6)), "pass link");
  EXPECT_EQ(lab.in(from(kPeer6).neighbor_solicitation(kHost6).ttl(254)), "drop ban");
  EXPECT_EQ(lab.in(from(kPeer6).ttl(255).icmpv6(128, 0)), "drop ban");
  EXPECT_EQ(lab.in(from(kPeer6).ttl(255).fragment(0, true).icmpv6(135, 0).payload(16)), "drop ban");
}

TEST(order, dhcp_answers_pass_a_deny_list_up_to_a_hundred_a_second) {
  Lab lab;
  lab.lists(kPeer, "");
  int passed = 0;
  for (int i = 0; i < 1000; i++) passed += lab.in(dhcp()) == "pass link";
  EXPECT_EQ(passed, 101);  // a second's worth, and the one that fits exactly
  EXPECT_EQ(lab.in(dhcp()), "drop deny");
  lab.now_ns += 10 * kMillisecond;
  EXPECT_EQ(lab.in(dhcp()), "pass link");
  EXPECT_EQ(lab.in(dhcp()), "drop deny");
  // Also after rests as long as 32 bits of ticks last (68 s), and half of that.
  for (const unsigned seconds : {30U, 35U, 60U, 69U, 103U, 137U, 4000U}) {
    lab.now_ns += seconds * kSecond;
    EXPECT_EQ(lab.in(dhcp()), "pass link") << seconds;
  }
}

TEST(order, only_real_dhcp_answers_keep_the_link_alive) {
  Lab lab;
  lab.lists(kPeer, "");
  EXPECT_EQ(lab.in(from(kPeer).udp(67, 68).payload("\x01request.")), "drop deny");
  EXPECT_EQ(lab.in(from(kPeer).udp(68, 67).payload("\x02reply...")), "drop deny");
  EXPECT_EQ(lab.in(from(kPeer).fragment(0, true).udp(67, 68).payload("\x02reply...")), "drop deny");
  lab.entry(FW_ENTRY_BAN, "2001:db8:1::/64");
  EXPECT_EQ(lab.in(from("fe80::1").udp(547, 546).payload("\x07reply...")), "pass link");
  EXPECT_EQ(lab.in(from(kPeer6).udp(547, 546).payload("\x07reply...")), "drop ban");
}

TEST(order, services_are_told_apart_by_protocol_and_port) {
  Lab lab;
  lab.service(false, 22, 1, FW_ACTION_DROP);
  lab.service(true, 65535, 2, FW_ACTION_PASS);
  lab.limit(FW_METRIC_PACKETS, 1, 0);
  EXPECT_EQ(lab.in(from(kPeer).tcp(1, 22).syn()), "drop closed");
  EXPECT_EQ(lab.decision.rule, 1);
  for (int i = 0; i < 5; i++) EXPECT_EQ(lab.in(udp(kPeer, 65535)), "pass open");
  EXPECT_EQ(lab.in(from(kPeer).udp(1, 22)), "pass pass");
  EXPECT_EQ(lab.in(from(kPeer).fragment(64, false).tcp(1, 22).payload(9)), "drop limit");
  EXPECT_EQ(lab.in(from(kPeer).sctp(1, 22)), "drop limit");
}

TEST(order, a_banned_source_is_dropped_at_an_open_service_and_an_allowed_one_passes_a_closed_one) {
  Lab lab;
  lab.service(true, 80, 1, FW_ACTION_PASS);
  lab.service(false, 22, 2, FW_ACTION_DROP);
  lab.entry(FW_ENTRY_BAN, kPeer);
  EXPECT_EQ(lab.in(udp()), "drop ban");
  lab.lists("", kPeer);
  EXPECT_EQ(lab.in(from(kPeer).tcp(1, 22).syn()), "pass allow");
}

TEST(order, observe_drops_nothing_and_reports_what_it_would_have_dropped) {
  Lab lab;
  lab.limit(FW_METRIC_UDP, 1, 0);
  lab.config.mode = FW_MODE_OBSERVE;
  lab.publish();
  EXPECT_EQ(lab.in(udp()), "pass pass");
  EXPECT_EQ(lab.decision.observed, 0);
  EXPECT_EQ(lab.in(udp()), "pass limit");
  EXPECT_EQ(lab.decision.observed, 1);
  lab.lists(kPeer, "");
  EXPECT_EQ(lab.in(udp()), "pass deny");
  EXPECT_EQ(lab.in(from(kPeer).tcp(1, 80).flags(0)), "pass malformed");
  EXPECT_EQ(lab.datapath.counters().observed_drops, 3U);
  const auto events = lab.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, FW_EVENT_LIMIT);
  EXPECT_EQ(events[0].observed, 1);
}

TEST(order, special_addresses_are_never_metered) {
  Lab lab;
  lab.limit(FW_METRIC_PACKETS, 1, 0, 1);
  for (const char* special :
       {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"})
    for (int i = 0; i < 50; i++) EXPECT_EQ(lab.in(udp(special)), "pass pass") << special;
  EXPECT_EQ(lab.datapath.counters().new_sources, 0U);
  for (const char* ordinary : {"0.0.0.1", "240.0.0.1", "255.255.255.254"}) lab.in(udp(ordinary));
  EXPECT_EQ(lab.datapath.counters().new_sources, 3U);
}

}  // namespace
}  // namespace fw::test
