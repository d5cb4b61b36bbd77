// SPDX-License-Identifier: MIT
// How a flow verifies its peer, and that nobody can verify itself as another.
#include <gtest/gtest.h>

#include "datapath/address_key.hpp"
#include "policy_lab.hpp"

namespace fw::test {
namespace {

Packet in_tcp(unsigned port = 40000) {
  return from(kPeer).tcp(port, 80).seq(6);
}
Packet out_tcp(unsigned port = 40000) {
  return to(kPeer).tcp(80, port);
}

TEST(flows, an_ack_of_no_flow_verifies_nobody) {
  Lab lab;
  EXPECT_EQ(lab.in(in_tcp().ack(1001)), "pass pass");
  EXPECT_EQ(lab.decision.traffic_class, FW_CLASS_TCP_STRAY);
  EXPECT_EQ(lab.in(in_tcp().flags(kSyn | kAck).ack(7)), "pass pass");
  EXPECT_EQ(lab.in(in_tcp().rst()), "pass pass");
}

TEST(flows, a_peer_that_acknowledges_the_number_of_our_syn_ack_is_verified) {
  for (const char* peer : {kPeer, kPeer6}) {
    Lab lab;
    EXPECT_EQ(lab.in(from(peer).tcp(40000, 80).syn()), "pass pass");
    EXPECT_EQ(lab.decision.traffic_class, FW_CLASS_TCP_SYN);
    lab.out(to(peer).tcp(80, 40000).flags(kSyn | kAck).seq(0xffffffff).ack(6));
    for (const std::uint32_t guess : {0xffffffffU, 1U, 0x7fffffffU, 0xfffffffeU})
      EXPECT_EQ(lab.in(from(peer).tcp(40000, 80).ack(guess)), "pass pass") << guess;
    EXPECT_EQ(lab.in(from(peer).tcp(40000, 80).flags(kPsh).seq(6)), "pass pass");
    EXPECT_EQ(lab.in(from(peer).tcp(40000, 80).ack(0)), "pass verified");  // the number wraps
    EXPECT_EQ(lab.decision.traffic_class, FW_CLASS_TCP_FLOW);
    EXPECT_EQ(lab.in(from(peer).tcp(40000, 80).ack(12345)), "pass verified");
  }
}

TEST(flows, verification_is_of_one_flow_only) {
  Lab lab;
  lab.handshake(kPeer, 40000);
  EXPECT_EQ(lab.in(in_tcp(40000).ack(1001)), "pass verified");
  EXPECT_EQ(lab.in(in_tcp(40001).ack(1001)), "pass pass");
  EXPECT_EQ(lab.in(from("192.0.2.2").tcp(40000, 80).ack(1001)), "pass pass");
  EXPECT_EQ(lab.in(from(kPeer).udp(40000, 80)), "pass pass");
  EXPECT_EQ(lab.in(in_tcp(40000).syn()), "pass pass");  // a SYN begins another flow
}

TEST(flows, a_server_that_answers_our_own_connection_is_verified) {
  Lab lab;
  lab.out(to(kPeer).tcp(50000, 443).syn().seq(77));
  EXPECT_EQ(lab.in(from(kPeer).tcp(443, 50000).flags(kSyn).ack(77)), "pass pass");
  EXPECT_EQ(lab.in(from(kPeer).tcp(443, 50000).flags(kSyn).ack(78)), "pass verified");
}

TEST(flows,
     a_connection_from_before_the_start_is_verified_when_the_peer_acknowledges_what_we_send) {
  Lab lab;
  lab.out(out_tcp().ack(6).seq(5000).payload(100));
  EXPECT_EQ(lab.in(in_tcp().ack(4999)), "pass pass");
  EXPECT_EQ(lab.in(in_tcp().ack(5101)), "pass pass");
  lab.out(out_tcp().ack(6).seq(5100).payload(50));
  EXPECT_EQ(lab.in(in_tcp().ack(5151)), "pass pass");
  EXPECT_EQ(lab.in(in_tcp().ack(5150)), "pass verified");
}

TEST(flows, a_flow_that_was_established_by_the_daemon_is_verified_from_its_first_packet) {
  Lab lab;
  const fw_addr remote = key_of(Address::parse(kPeer).value());
  const fw_addr local = key_of(Address::parse(kHost).value());
  fw_policy_flow_establish(&lab.datapath.env(), remote, 40000, local, 80, FW_IPPROTO_TCP,
                           lab.now_ns);
  EXPECT_EQ(lab.in(in_tcp().ack(1)), "pass verified");
}

TEST(flows, our_reset_of_an_out_of_state_packet_verifies_nobody) {
  Lab lab;
  EXPECT_EQ(lab.in(in_tcp().ack(1001)), "pass pass");
  lab.out(out_tcp().rst().seq(1001));
  EXPECT_EQ(lab.in(in_tcp().ack(1001)), "pass pass");
  EXPECT_EQ(lab.in(in_tcp().ack(1002)), "pass pass");
}

TEST(flows, acknowledgements_more_than_four_mebibytes_ahead_verify_nobody) {
  Lab lab;
  lab.in(in_tcp().syn());
  lab.out(out_tcp().flags(kSyn | kAck).seq(1000).ack(6));
  lab.out(out_tcp().ack(6).seq(1001 + (1U << 23)).payload(10));
  EXPECT_EQ(lab.in(in_tcp().ack(1001 + (1U << 23))), "pass pass");
  EXPECT_EQ(lab.in(in_tcp().ack(1001)), "pass verified");
}

TEST(flows, a_new_connection_after_a_closed_flow_is_verified_anew) {
  for (const unsigned flag : {kFin, kRst}) {
    Lab lab;
    lab.handshake(kPeer);
    EXPECT_EQ(lab.in(in_tcp().flags(flag).ack(1001)), "pass verified");
    EXPECT_EQ(lab.in(in_tcp().ack(1002)), "pass verified");  // the end of the closing handshake
    lab.in(in_tcp().syn());
    lab.out(out_tcp().flags(kSyn | kAck).seq(900000).ack(6));
    EXPECT_EQ(lab.in(in_tcp().ack(1002)), "pass pass");
    EXPECT_EQ(lab.in(in_tcp().ack(900001)), "pass verified");
  }
}

TEST(flows, a_udp_peer_that_we_spoke_to_first_is_verified) {
  for (const char* peer : {kPeer, kPeer6}) {
    Lab lab;
    EXPECT_EQ(lab.in(from(peer).udp(53, 5353).payload(9)), "pass pass");
    EXPECT_EQ(lab.decision.traffic_class, FW_CLASS_UDP_REFLECTED);
    lab.out(to(peer).udp(5354, 53).payload(9));
    EXPECT_EQ(lab.in(from(peer).udp(53, 5354).payload(9)), "pass verified");
    EXPECT_EQ(lab.decision.traffic_class, FW_CLASS_UDP_REPLY);
    EXPECT_EQ(lab.in(from(peer).udp(53, 5355).payload(9)), "pass pass");
    EXPECT_EQ(lab.in(from(peer).udp(54, 5354).payload(9)), "pass pass");
    EXPECT_EQ(lab.decision.traffic_class, FW_CLASS_UDP_NEW);
  }
}

TEST(flows, an_exchange_verifies_a_udp_peer_only_after_some_answers_and_seconds) {
  Lab lab;
  const Packet ask = from(kPeer).udp(30000, 27015).payload(9);
  const Packet answer = to(kPeer).udp(27015, 30000).payload(9);
  for (int i = 0; i < 50; i++) {  // many answers, but at once: forged questions are answered too
    EXPECT_EQ(lab.in(ask), "pass pass");
    lab.out(answer);
  }
  lab.now_ns += 2 * kWindow;
  EXPECT_EQ(lab.in(ask), "pass verified");

  Lab slow;
  for (int i = 0; i < 4; i++) {  // seconds, but no answers
    EXPECT_EQ(slow.in(ask), "pass pass");
    slow.now_ns += 2 * kWindow;
  }
  EXPECT_EQ(slow.in(ask), "pass pass");
}

// A host with a flow table of one bucket, that refuses UDP to port 9 by a signature.
struct CrowdedLab : Lab {
  CrowdedLab() : Lab({.sources = 1 << 12, .flows = FW_FLOW_SLOTS, .bans = 1 << 10}) {
    const datapath::Tables tables = datapath.tables();
    tables.signatures[0].mask.word[0] = 0xffff;
    tables.signatures[0].value.word[0] = 9;
    tables.signature_set->active[FW_CLASS_UDP_NEW] = 1;
  }
  void ask(unsigned port, unsigned sources) {
    for (unsigned i = 0; i < sources; i++)
      in(from("10.0.0." + std::to_string(i)).udp(1234, port).payload(9));
  }
  fw_u64 filter() { return datapath.tables().flow_filter[0].bits; }
};

TEST(flows, a_flood_that_is_dropped_displaces_no_flow) {
  CrowdedLab lab;
  for (unsigned exchange = 0; exchange < 4; exchange++) {
    ASSERT_EQ(lab.in(from(kPeer).udp(5000, 53)), "pass pass");
    lab.out(to(kPeer).udp(53, 5000));
    lab.ask(9, 100);
    ASSERT_EQ(lab.decision.reason, FW_REASON_SIGNATURE);
    lab.now_ns += kWindow;
  }
  EXPECT_EQ(lab.in(from(kPeer).udp(5000, 53)), "pass verified");
}

TEST(flows, an_answer_to_a_packet_that_would_have_been_dropped_begins_no_outbound_flow) {
  for (const bool observes : {true, false}) {
    CrowdedLab lab;
    if (observes) {
      lab.config.mode = FW_MODE_OBSERVE;
      lab.publish();
    } else {
      lab.datapath.judge_capture();
    }
    const std::string refused = observes ? "pass signature" : "drop signature";
    EXPECT_EQ(lab.in(from(kPeer).udp(5000, 9)), refused);
    lab.out(to(kPeer).udp(9, 5000));
    EXPECT_EQ(lab.in(from(kPeer).udp(5000, 9)), refused);
  }
}

TEST(flows, the_filter_has_flows_that_were_answered_and_drops_those_that_are_displaced) {
  CrowdedLab lab;
  lab.ask(53, FW_FLOW_SLOTS);
  EXPECT_EQ(lab.filter(), 0U) << "nobody was answered";
  lab.out(to("10.0.0.0").udp(53, 1234));
  EXPECT_NE(lab.filter(), 0U);
  lab.now_ns += kWindow;
  lab.ask(80, FW_FLOW_SLOTS);
  EXPECT_EQ(lab.filter(), 0U);
}

TEST(flows, the_filter_hides_no_verified_peer_among_many) {
  Lab lab({.sources = 1 << 12, .flows = 1 << 10, .bans = 1 << 10});
  const auto peer = [](unsigned i) { return "10.0.0." + std::to_string(i); };
  for (unsigned i = 1; i <= 100; i++) lab.handshake(peer(i));
  lab.now_ns += kWindow;
  for (unsigned i = 0; i < 4000; i++)
    lab.in(from("10.1.0." + std::to_string(i % 250)).udp(i, 53).payload(9));
  for (unsigned i = 1; i <= 100; i++)
    EXPECT_EQ(lab.in(from(peer(i)).tcp(40000, 80).seq(6).ack(1001)), "pass verified") << i;
}

TEST(flows, a_pinged_peer_may_answer_and_its_own_pings_are_judged_like_any) {
  for (const char* peer : {kPeer, kPeer6}) {
    Lab lab;
    EXPECT_EQ(lab.in(from(peer).icmp_echo_reply(1, 1)), "pass pass");
    lab.out(to(peer).icmp_echo(1, 1));
    EXPECT_EQ(lab.in(from(peer).icmp_echo_reply(1, 1)), "pass verified");
    EXPECT_EQ(lab.in(from(peer).icmp_echo(1, 1)), "pass pass");
    EXPECT_EQ(lab.decision.traffic_class, FW_CLASS_ICMP_ECHO);
  }
}

TEST(flows, our_icmp_errors_verify_nobody) {
  Lab lab;
  lab.out(to(kPeer).icmp(3, 3).payload(28));
  EXPECT_EQ(lab.in(from(kPeer).icmp(3, 1).payload(28)), "pass pass");
}

TEST(flows, a_tunnel_we_opened_is_verified_in_its_own_protocol) {
  Lab lab;
  lab.out(to(kPeer).esp(7).payload(40));
  EXPECT_EQ(lab.in(from(kPeer).esp(9).payload(40)), "pass verified");
  EXPECT_EQ(lab.in(from(kPeer).gre().payload(40)), "pass pass");
}

TEST(flows, later_fragments_belong_to_no_flow) {
  Lab lab;
  lab.out(to(kPeer).udp(5354, 53).payload(9));
  EXPECT_EQ(lab.in(from(kPeer).fragment(1480, false).udp(53, 5354).payload(9)), "pass pass");
  EXPECT_EQ(lab.decision.traffic_class, FW_CLASS_FRAGMENT);
}

TEST(flows, what_we_send_to_multicast_groups_verifies_nobody) {
  Lab lab;
  lab.out(to("224.0.0.251").udp(5353, 5353).payload(9));
  EXPECT_EQ(lab.in(from("224.0.0.251").udp(5353, 5353).payload(9)), "pass pass");
}

}  // namespace
}  // namespace fw::test
