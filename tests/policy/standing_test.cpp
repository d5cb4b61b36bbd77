// SPDX-License-Identifier: MIT
// Restricted and exempt sources: what still passes, what does not. And limits that police.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "policy_lab.hpp"

namespace fw::test {
namespace {

const fw_budget_limit kSmall{
    .cost = 625'000, .burst = 62'500'000, .served_burst = 62'500'000, .limit = 100};

TEST(restriction, spares_verified_connections_and_what_this_host_asked_for) {
  for (const char* peer : {kPeer, kPeer6}) {
    Lab lab;
    lab.handshake(peer);
    lab.out(to(peer).udp(5000, 53).payload(20));
    lab.out(to(peer).icmp_echo(1, 1));
    lab.out(to(peer).tcp(50000, 443).syn().seq(1));
    lab.entry(FW_ENTRY_BAN, peer, 60 * kSecond, 0, 0, FW_ENTRY_RESTRICTED);
    EXPECT_EQ(lab.in(from(peer).tcp(40000, 80).seq(6).ack(1001)), "pass verified");
    EXPECT_EQ(lab.in(from(peer).udp(53, 5000).payload(20)), "pass verified");
    EXPECT_EQ(lab.in(from(peer).icmp_echo_reply(1, 1)), "pass verified");
    EXPECT_EQ(lab.in(from(peer).tcp(443, 50000).flags(kSyn).ack(2)), "pass verified");
    EXPECT_EQ(lab.in(from(peer).udp(1234, 80)), "drop restrict");
    EXPECT_EQ(lab.in(from(peer).icmp_echo(1, 1)), "drop restrict");
    EXPECT_EQ(lab.in(from(peer).tcp(1, 80).ack(5)), "drop restrict");
    EXPECT_EQ(lab.in(from(peer).tcp(1, 80).syn()), "drop restrict");
    const fw_entry* entry = lab.entry_of(peer);
    ASSERT_NE(entry, nullptr);
    EXPECT_GE(entry->dropped, 1U);
    lab.now_ns += 61 * kSecond;
    EXPECT_EQ(lab.in(from(peer).udp(1234, 80)), "pass pass");
  }
}

TEST(restriction, answers_a_syn_by_a_cookie_where_one_can_be_sent) {
  Lab lab;
  lab.config.syn_cookies = 1;
  lab.publish();
  lab.datapath.judge_capture();
  lab.entry(FW_ENTRY_EXEMPT, std::string(kHost) + "/32", FW_FOREVER, 0, 0, FW_ENTRY_OWN);
  lab.handshake("203.0.113.1");  // a service answers on port 80
  lab.entry(FW_ENTRY_BAN, kPeer, 60 * kSecond, 0, 0, FW_ENTRY_RESTRICTED);
  EXPECT_EQ(lab.in(from(kPeer).tcp(1, 80).syn()), "drop challenge");
  lab.limit(FW_METRIC_SYN, 1, 0);
  lab.in(from("203.0.113.2").tcp(1, 80).syn());
  EXPECT_EQ(lab.in(from("203.0.113.2").tcp(2, 80).syn()), "drop challenge") << "nor is a limit";
}

TEST(restriction, of_a_source_that_floods_on_a_verified_connection_becomes_a_ban) {
  Lab lab;
  lab.handshake(kPeer);
  lab.limit(FW_METRIC_PACKETS, 0, 0, 50);
  lab.meter_peers(FW_METRIC_PACKETS);
  lab.entry(FW_ENTRY_BAN, kPeer, 60 * kSecond, 0, 0, FW_ENTRY_RESTRICTED);
  for (int i = 0; i < 100; i++) lab.in(from(kPeer).tcp(40000, 80).seq(6).ack(1001));
  EXPECT_EQ(lab.in(from(kPeer).tcp(40000, 80).seq(6).ack(1001)), "drop ban");
}

TEST(limits, peers_are_metered_only_where_the_limit_says_so) {
  for (const bool metered : {false, true}) {
    Lab lab;
    lab.limit(FW_METRIC_PACKETS, 10, 0);
    lab.limit(FW_METRIC_BYTES, 1000, 0);
    if (metered) lab.meter_peers(FW_METRIC_PACKETS);
    lab.handshake(kPeer);
    lab.out(to(kPeer).udp(5000, 53).payload(20));
    int limited = 0;
    for (int i = 0; i < 1000; i++) {
      limited += lab.in(from(kPeer).tcp(40000, 80).seq(6).ack(1001).payload(900)) == "drop limit";
      limited += lab.in(from(kPeer).udp(53, 5000).payload(900)) == "drop limit";
    }
    EXPECT_EQ(limited != 0, metered);
  }
}

TEST(limits, a_proxy_that_completes_its_connections_loses_none_at_any_rate) {
  for (const char* peer : {kPeer, kPeer6}) {
    Lab lab({.sources = 1 << 12, .flows = 1 << 16, .bans = 1 << 10});
    lab.limit(FW_METRIC_SYN, 150, 3 * kSecond, 150);
    for (unsigned i = 0; i < 30'000; i++) {  // 6 s of 5,000/s, 40 ms on their way
      ASSERT_EQ(lab.in(from(peer).tcp(10'000 + i, 80).syn().seq(5)), "pass pass") << i;
      lab.out(to(peer).tcp(80, 10'000 + i).flags(kSyn).seq(1000).ack(6));
      if (i >= 200) lab.in(from(peer).tcp(10'000 + i - 200, 80).seq(6).ack(1001));
      lab.now_ns += kMillisecond / 5;
    }
    EXPECT_EQ(lab.entry_of(peer), nullptr);
  }
}

TEST(limits, a_source_that_completes_no_connection_is_restricted_within_seconds) {
  Lab lab;
  lab.limit(FW_METRIC_SYN, 150, 3 * kSecond, 150);
  const std::uint64_t begin = lab.now_ns;
  while (lab.in(from(kPeer).tcp(1, 80).syn()) != "drop restrict") {
    ASSERT_LT(lab.now_ns, begin + 6 * kSecond);
    lab.now_ns += kSecond / 190;
  }
  EXPECT_EQ(lab.in(from("203.0.113.2").tcp(1, 80).syn()), "pass pass");
}

// `rate` datagrams a second for 6 s at a port that answers `answered` of 16 of them, and others'.
bool is_restricted(unsigned rate, unsigned answered, bool answers_others) {
  Lab lab;
  lab.config.unanswered_above = 215;
  lab.config.budget[FW_CLASS_UDP_NEW] = kSmall;
  lab.config.budget[FW_CLASS_UDP_NEW].served_burst = 1U << 31;
  lab.publish();
  for (unsigned i = 0; i < 6 * rate; i++) {
    const unsigned port = 1024 + i % 50'000;
    lab.in(from(kPeer).udp(port, 27015).payload(20));
    if (i % 16 < answered) lab.out(to(kPeer).udp(27015, port).payload(20));
    if (answers_others && i % 4 == 0) {
      lab.in(from(fmt::format("203.0.113.{}", i % 250)).udp(9, 27015).payload(20));
      lab.out(to(fmt::format("203.0.113.{}", i % 250)).udp(27015, 9).payload(20));
    }
    lab.now_ns += kSecond / rate;
  }
  return lab.entry_of(kPeer) != nullptr;
}

TEST(limits, a_source_that_a_service_leaves_unanswered_while_it_answers_others_is_restricted) {
  EXPECT_TRUE(is_restricted(300, 0, true));
  EXPECT_FALSE(is_restricted(150, 0, true)) << "less than so many a second";
  EXPECT_FALSE(is_restricted(2000, 0, false)) << "a collector answers nobody";
  EXPECT_FALSE(is_restricted(2000, 16, true)) << "it is answered as well";
  EXPECT_FALSE(is_restricted(2000, 4, true)) << "a service that is short of time";
}

class ExemptLab : public Lab {
 public:
  ExemptLab() {
    config.budget[FW_CLASS_UDP_NEW] = config.budget[FW_CLASS_TCP_SYN] = kSmall;
    publish();
    entry(FW_ENTRY_EXEMPT, kPeer, FW_FOREVER);
    entry(FW_ENTRY_EXEMPT, std::string(kHost) + "/32", FW_FOREVER, 0, 0, FW_ENTRY_OWN);
  }
  // How many of `count` packets pass that come at `rate` a second.
  unsigned passed(const Packet& made, unsigned count, unsigned rate) {
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++, now_ns += kSecond / rate)
      n += in(made).starts_with("pass") ? 1 : 0;
    return n;
  }
};

TEST(exempt, peers_pass_freely_and_what_nobody_asked_for_within_a_shared_budget) {
  ExemptLab lab;
  lab.limit(FW_METRIC_UDP, 1, 0, 1);
  EXPECT_EQ(lab.passed(from(kPeer).udp(1234, 80).payload(20), 4000, 400), 4000U);
  lab.out(to(kPeer).udp(5000, 53).payload(20));
  EXPECT_EQ(lab.passed(from(kPeer).udp(53, 5000).payload(20), 40'000, 20'000), 40'000U);
  EXPECT_LE(lab.passed(from(kPeer).udp(1234, 80).payload(20), 80'000, 20'000), 4000U);
  EXPECT_EQ(lab.decision.reason, FW_REASON_BUDGET);
  EXPECT_EQ(lab.entry_of(kPeer), nullptr) << "an exempt address is never restricted";
  std::uint64_t refused = 0;
  for (const fw_budget& budget : lab.datapath.tables().budgets) refused += budget.refused;
  EXPECT_GT(refused, 60'000U) << "the engine sees the flood";
  EXPECT_EQ(lab.in(from(kPeer).tcp(1, 22).syn()), "pass exempt") << "log-ins have their own";
}

TEST(exempt, own_addresses_are_not_the_source_of_what_arrives_here) {
  ExemptLab lab;
  const Packet forged = Packet::ethernet().ipv4(kHost, kHost).udp(1234, 80).payload(20);
  EXPECT_EQ(lab.in(forged), "drop spoofed");
  EXPECT_EQ(lab.passed(forged, 80'000, 20'000), 0U);
  std::uint64_t refused = 0;
  for (const fw_budget& budget : lab.datapath.tables().budgets) refused += budget.refused;
  EXPECT_GT(refused, 60'000U);
  lab.now_ns += 5 * kSecond;
  const Packet copy = Packet::ethernet().ipv4(kHost, "224.0.0.251").udp(5353, 5353).payload(20);
  EXPECT_EQ(lab.in(copy), "pass exempt") << "this host's own multicast comes back";
}

}  // namespace
}  // namespace fw::test
