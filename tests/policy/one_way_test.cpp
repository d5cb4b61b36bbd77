// SPDX-License-Identifier: MIT
// While egress is unseen: a TCP client whose segments go on as if it had been answered passes, and
// no other.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "policy_lab.hpp"

namespace fw::test {
namespace {

Packet segment(unsigned seq, unsigned ack, std::size_t payload = 0, std::string_view peer = kPeer) {
  return from(peer).tcp(40000, 80).seq(seq).ack(ack).payload(payload);
}

TEST(one_way, a_client_that_acknowledges_where_its_syn_ended_was_answered) {
  Lab lab;
  EXPECT_EQ(lab.in(from(kPeer).tcp(40000, 80).syn().seq(5)), "pass pass");
  EXPECT_EQ(lab.in(segment(6, 7000)), "pass verified");
  EXPECT_EQ(lab.decision.traffic_class, FW_CLASS_TCP_FLOW);
  EXPECT_EQ(lab.in(segment(6, 7000, 300)), "pass verified");
  EXPECT_EQ(lab.datapath.counters().class_answered[FW_CLASS_TCP_SYN], 1U);
}

TEST(one_way, a_segment_with_another_number_or_port_shows_nothing) {
  Lab lab;
  lab.in(from(kPeer).tcp(40000, 80).syn().seq(5));
  EXPECT_EQ(lab.in(segment(7, 7000)), "pass pass") << "not where the SYN ended";
  EXPECT_EQ(lab.in(from(kPeer).tcp(40001, 80).seq(6).ack(7000)), "pass pass") << "another port";
  EXPECT_EQ(lab.in(from(kPeer).tcp(40000, 80).seq(7).flags(kRst)), "pass pass");
}

TEST(one_way, a_connection_from_before_the_start_is_recognised_when_it_acknowledges_more) {
  Lab lab;
  EXPECT_EQ(lab.in(segment(1000, 500, 100)), "pass pass");
  EXPECT_EQ(lab.in(segment(1100, 900, 100)), "pass verified");
}

TEST(one_way, packets_that_repeat_or_jump_do_not_go_on) {
  Lab lab;
  for (int i = 0; i < 5; i++) EXPECT_EQ(lab.in(segment(1000, 500)), "pass pass") << i;
  for (unsigned i = 1; i < 5; i++)
    EXPECT_EQ(lab.in(segment(i * 77'777, i * 9'999'999)), "pass pass") << i;
}

TEST(one_way, recognition_ends_with_the_first_packet_that_is_seen_to_leave) {
  Lab lab;
  lab.in(from(kPeer).tcp(40000, 80).syn().seq(5));
  lab.in(segment(6, 7000));
  lab.out(to("192.0.2.9").udp(80, 9));
  EXPECT_EQ(lab.in(segment(6, 7000)), "pass pass")
      << "from now on only an acknowledgement verifies";
  lab.out(to(kPeer).tcp(80, 40000).flags(kAck).seq(7000).ack(6).payload(100));
  EXPECT_EQ(lab.in(segment(6, 7100)), "pass verified");
}

TEST(one_way, a_busy_server_of_which_no_reply_is_seen_loses_no_client) {
  for (const bool visible : {true, false}) {
    Lab lab;
    lab.config.budget[FW_CLASS_TCP_SYN] = {2'500'000, 375'000'000, 375'000'000, 25};  // 150 at once
    lab.config.budget[FW_CLASS_TCP_STRAY] = {625'000, 125'000'000, 125'000'000, 100};
    lab.publish();
    if (!visible) lab.out(to(kPeer).icmp_echo(1, 1));  // replies are seen, but these get none
    int dropped = 0;
    for (unsigned i = 0; i < 3000; i++) {
      const std::string peer = fmt::format("203.0.{}.{}", i / 250, i % 250 + 1);
      dropped += lab.in(from(peer).tcp(40000, 80).syn().seq(5)).starts_with("drop");
      lab.now_ns += kMillisecond / 4;
      for (const std::size_t payload : {0, 300})
        dropped += lab.in(segment(6, 7000, payload, peer)).starts_with("drop");
      dropped += lab.in(segment(306, 9000, 0, peer)).starts_with("drop");
      lab.now_ns += kMillisecond / 4;
    }
    if (visible)
      EXPECT_EQ(dropped, 0);
    else
      EXPECT_GT(dropped, 8'000);
  }
}

TEST(one_way, forged_syns_exceed_the_budget) {
  Lab lab;
  lab.config.budget[FW_CLASS_TCP_SYN] = {2'500'000, 375'000'000, 375'000'000, 25};
  lab.publish();
  int passed = 0;
  for (unsigned i = 0; i < 3000; i++)
    passed += lab.in(from(fmt::format("203.0.{}.{}", i / 250, i % 250 + 1)).tcp(9, 80).syn().seq(5))
                  .starts_with("pass");
  EXPECT_LT(passed, 200);
}

}  // namespace
}  // namespace fw::test
