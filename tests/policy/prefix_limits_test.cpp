// SPDX-License-Identifier: MIT
// Limits per prefix: sources that each stay within their own limit, and exceed it together.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "datapath/address_key.hpp"
#include "policy_lab.hpp"

namespace fw::test {
namespace {

// A Lab in which a /24 or /48 has limits.
struct PrefixLab : Lab {
  PrefixLab() {
    config.limit_bits_v4 = 96 + 24;
    config.limit_bits_v6 = 48;
    config.rule[FW_RULE_OF_PREFIXES].own = 1;
    config.rule[FW_RULE_OF_PREFIXES].ban_ms = 60'000;
    publish();
  }
  void limit_prefix(unsigned metric, double per_second, std::uint64_t burst_ns,
                    std::uint32_t ban_above = 0) {
    limit(metric, per_second, burst_ns, ban_above, FW_RULE_OF_PREFIXES);
  }
  // Each of `count` neighbours sends a packet; returns how many pass.
  int round(int count, const char* net = "192.0.2.{}") {
    int passed = 0;
    for (int i = 1; i <= count; i++)
      passed += in(from(fmt::format(fmt::runtime(net), i)).udp(1234, 80)).starts_with("pass");
    return passed;
  }
  // 200 neighbours each send a packet in every fifth of a window.
  void flood(unsigned windows) {
    for (unsigned i = 0; i < 5 * windows; i++) {
      round(200);
      now_ns += kWindow / 5;
    }
  }
};

TEST(prefix_limits, sources_within_their_own_limits_are_held_to_that_of_their_prefix) {
  PrefixLab lab;
  lab.limit(FW_METRIC_PACKETS, 40, kSecond);
  lab.limit_prefix(FW_METRIC_PACKETS, 100, kSecond);
  EXPECT_EQ(lab.round(200), 101);
  EXPECT_EQ(lab.decision.reason, FW_REASON_LIMIT);
  const auto events = lab.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, FW_EVENT_LIMIT);
  EXPECT_EQ(events[0].rule, FW_RULE_OF_PREFIXES);
  EXPECT_EQ(from_key(events[0].src).text(), "192.0.2.0");
  EXPECT_EQ(events[0].prefix_bits, 96 + 24);
  EXPECT_EQ(lab.round(100, "192.0.3.{}"), 100) << "the next prefix has its own";
}

TEST(prefix_limits, ipv6_sources_of_one_site_are_held_together) {
  PrefixLab lab;
  lab.limit_prefix(FW_METRIC_UDP, 50, kSecond);
  EXPECT_EQ(lab.round(100, "2001:db8:5:{}::1"), 51);
  EXPECT_EQ(lab.events().at(0).prefix_bits, 48);
  EXPECT_EQ(lab.round(50, "2001:db8:6:{}::1"), 50);
}

TEST(prefix_limits, what_a_source_limit_drops_does_not_count_for_the_prefix) {
  PrefixLab lab;
  lab.limit(FW_METRIC_PACKETS, 10, kSecond);
  lab.limit_prefix(FW_METRIC_PACKETS, 100, kSecond);
  for (int i = 0; i < 1000; i++) lab.in(from("192.0.2.250").udp(1234, 80));
  EXPECT_EQ(lab.round(90), 90) << "the neighbours of a flooder lose nothing";
}

TEST(prefix_limits, a_neighbour_with_a_verified_connection_loses_nothing_to_forged_packets) {
  PrefixLab lab;
  lab.limit_prefix(FW_METRIC_PACKETS, 100, kSecond);
  lab.handshake("192.0.2.250");
  EXPECT_LT(lab.round(249), 249);
  EXPECT_EQ(lab.in(from("192.0.2.250").tcp(40000, 80).seq(6).ack(1001)), "pass verified");
}

TEST(prefix_limits, completed_handshakes_are_refunded_so_a_gateway_is_not_limited) {
  PrefixLab lab;
  lab.limit_prefix(FW_METRIC_SYN, 20, kSecond);
  for (int i = 1; i <= 200; i++) {
    lab.handshake(fmt::format("192.0.2.{}", i));
    ASSERT_EQ(lab.decision.reason, FW_REASON_VERIFIED) << i;
  }
  int passed = 0;
  for (int i = 1; i <= 200; i++)
    passed += lab.in(from(fmt::format("192.0.3.{}", i)).tcp(1, 80).syn()).starts_with("pass");
  EXPECT_EQ(passed, 21) << "without completed handshakes the limit holds";
}

TEST(prefix_limits, a_prefix_without_verified_sources_is_restricted_if_its_flood_lasts) {
  PrefixLab lab;
  lab.limit_prefix(FW_METRIC_PACKETS, 0, 0, 500);
  lab.flood(2);
  EXPECT_EQ(lab.entry_of("192.0.2.0/24"), nullptr) << "not at once: forged packets must last";
  lab.flood(4);
  const fw_entry* ban = lab.entry_of("192.0.2.0/24");
  ASSERT_NE(ban, nullptr);
  EXPECT_EQ(ban->rule, FW_RULE_OF_PREFIXES);
  EXPECT_EQ(ban->hold_ms, 60'000U);
  EXPECT_EQ(lab.in(from("192.0.2.251").udp(1234, 80)), "drop restrict");
  EXPECT_EQ(lab.in(from("192.0.3.1").udp(1234, 80)), "pass pass");
  lab.now_ns += 61 * kSecond;
  EXPECT_EQ(lab.in(from("192.0.2.251").udp(1234, 80)), "pass pass");
}

TEST(prefix_limits, packets_that_may_be_forged_never_ban_a_prefix_with_a_verified_source) {
  PrefixLab lab;
  lab.limit_prefix(FW_METRIC_PACKETS, 0, 0, 500);
  lab.handshake("192.0.2.250");
  lab.flood(20);
  EXPECT_EQ(lab.entry_of("192.0.2.0/24"), nullptr);
  EXPECT_EQ(lab.in(from("192.0.2.250").tcp(40000, 80).seq(6).ack(1001)), "pass verified");
}

TEST(prefix_limits,
     verified_connections_above_the_limit_ban_their_prefix_at_once_except_for_exempt_sources) {
  PrefixLab lab;
  lab.limit_prefix(FW_METRIC_PACKETS, 0, 0, 500);
  lab.meter_peers(FW_METRIC_PACKETS, FW_RULE_OF_PREFIXES);
  for (int i = 1; i <= 100; i++) lab.handshake(fmt::format("192.0.2.{}", i));
  lab.entry(FW_ENTRY_EXEMPT, "192.0.2.7/32", FW_FOREVER);
  for (int n = 0; n < 6; n++)
    for (int i = 1; i <= 100; i++)
      lab.in(from(fmt::format("192.0.2.{}", i)).tcp(40000, 80).seq(6).ack(1001));
  ASSERT_NE(lab.entry_of("192.0.2.0/24"), nullptr);
  EXPECT_EQ(lab.in(from("192.0.2.9").tcp(40000, 80).seq(6).ack(1001)), "drop ban");
  EXPECT_EQ(lab.in(from("192.0.2.7").tcp(40000, 80).seq(6).ack(1001)), "pass exempt");
}

TEST(prefix_limits, no_prefix_takes_a_slot_where_prefixes_have_no_limit) {
  Lab lab;
  lab.limit(FW_METRIC_PACKETS, 0, 0, 10'000);
  for (int i = 1; i <= 10; i++) lab.in(from(fmt::format("192.0.2.{}", i)).udp(1234, 80));
  EXPECT_EQ(lab.datapath.counters().new_sources, 10U);
  PrefixLab with;
  with.limit_prefix(FW_METRIC_PACKETS, 0, 0, 10'000);
  EXPECT_EQ(with.round(10), 10);
  EXPECT_EQ(with.datapath.counters().new_sources, 11U);
}

}  // namespace
}  // namespace fw::test
