// SPDX-License-Identifier: MIT
// The clock of a replayed capture stands still, steps back and jumps; that of another CPU is a
// little behind. None of it may raise a source's measured rate, or make a ban endless.
#include <gtest/gtest.h>

#include <random>

#include "policy_lab.hpp"

namespace fw::test {
namespace {

Packet udp(std::string_view peer = kPeer) {
  return from(peer).udp(1234, 80).payload(20);
}

TEST(clock_steps, a_source_below_its_limit_loses_nothing_to_a_step_back) {
  for (const std::uint64_t back :
       {kMillisecond, 20 * kMillisecond, 63 * kMillisecond, 70 * kMillisecond, 300 * kMillisecond,
        kSecond, kWindow, 2 * kWindow, 20 * kSecond, 40 * kSecond, 70 * kSecond, 900 * kSecond}) {
    Lab lab;
    lab.limit(FW_METRIC_UDP, 40, kSecond / 5, 43);
    for (int i = 0; i < 2000; i++) {
      ASSERT_EQ(lab.in(udp()), "pass pass") << back << " at " << i;
      lab.now_ns += 30 * kMillisecond;
      if (i % 50 == 49) lab.now_ns -= back;
    }
  }
}

TEST(clock_steps, packets_a_little_out_of_order_do_not_save_a_flood_from_its_ban) {
  Lab lab;
  lab.limit(FW_METRIC_UDP, 40, kSecond / 5, 60);
  std::mt19937 random(7);
  const std::uint64_t start = lab.now_ns;
  int passed = 0;
  for (int i = 0; i < 6000; i++) {
    lab.now_ns = start + i * kMillisecond + random() % (20 * kMillisecond);
    passed += lab.in(udp()) == "pass pass";
  }
  EXPECT_LT(passed, 200);
  EXPECT_NE(lab.entry_of(kPeer), nullptr);
}

TEST(clock_steps, time_that_stands_still_is_one_instant) {
  Lab lab;
  lab.limit(FW_METRIC_UDP, 40, kSecond, 0);
  int passed = 0;
  for (int i = 0; i < 1000; i++) passed += lab.in(udp()) == "pass pass";
  EXPECT_EQ(passed, 41);
}

TEST(clock_steps, a_ban_ends_when_the_clock_steps_back_before_it) {
  Lab lab;
  EXPECT_GE(lab.entry(FW_ENTRY_BAN, kPeer, 60 * kSecond), 0);
  const std::uint64_t made = lab.now_ns;
  lab.now_ns = made - kSecond / 2;  // another CPU's clock
  EXPECT_EQ(lab.in(udp()), "drop ban");
  lab.now_ns = made - 800 * kSecond;
  EXPECT_EQ(lab.in(udp()), "pass pass");
  lab.now_ns = made + kSecond;
  EXPECT_EQ(lab.in(udp()), "drop ban");
}

TEST(clock_steps, a_source_can_be_banned_again_after_a_step_back) {
  Lab lab;
  lab.limit(FW_METRIC_UDP, 40, kSecond, 60);
  EXPECT_GE(lab.entry(FW_ENTRY_BAN, kPeer, 60 * kSecond), 0);
  lab.now_ns -= 800 * kSecond;
  for (int i = 0; i < 5000; i++) {
    (void)lab.in(udp());
    lab.now_ns += kMillisecond;
  }
  EXPECT_EQ(lab.in(udp()), "drop restrict");
  EXPECT_LE(lab.entry_of(kPeer)->until_ns, lab.now_ns + 60 * kSecond);
}

TEST(clock_steps, an_exemption_holds_through_any_step) {
  Lab lab;
  EXPECT_GE(lab.entry(FW_ENTRY_EXEMPT, kPeer, FW_FOREVER), 0);
  lab.now_ns -= 900 * kSecond;
  EXPECT_EQ(lab.in(udp()), "pass exempt");
  lab.now_ns += std::uint64_t{20} * 365 * 86'400 * kSecond;
  EXPECT_EQ(lab.in(udp()), "pass exempt");
}

TEST(clock_steps, the_cap_on_bans_recovers_from_a_step_back) {
  Lab lab;
  lab.config.bans_cost = static_cast<fw_u32>(kSecond >> FW_TICK_SHIFT);
  lab.config.bans_burst = 0;
  lab.limit(FW_METRIC_PACKETS, 0, 0, 1).peers = 1;
  lab.publish();
  const auto ban = [&](const std::string& peer) {
    lab.handshake(peer);
    const Packet data = from(peer).tcp(40000, 80).seq(6).ack(1001);
    lab.in(data);
    return lab.in(data) == "drop ban";
  };
  EXPECT_TRUE(ban("10.0.0.1"));
  EXPECT_FALSE(ban("10.0.0.2"));
  lab.now_ns -= 500 * kSecond;
  EXPECT_TRUE(ban("10.0.0.3"));
}

TEST(clock_steps, a_clock_one_window_behind_displaces_nothing_verified) {
  Lab lab({.sources = 4, .flows = 4, .bans = 8});  // one bucket each
  const char* peers[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};
  for (const char* peer : peers) lab.handshake(peer);
  lab.now_ns += kWindow;
  for (const char* peer : peers)
    ASSERT_EQ(lab.in(from(peer).tcp(40000, 80).ack(1001)), "pass verified");
  lab.now_ns -= kMillisecond;  // still in the window before
  for (int i = 0; i < 1000; i++) {
    const std::string forged = "172.16." + std::to_string(i / 250) + "." + std::to_string(i % 250);
    lab.in(from(forged).tcp(1, 80).syn());
    lab.out(to(forged).tcp(80, 1).flags(kSyn).seq(1).ack(2));
  }
  for (const char* peer : peers)
    EXPECT_EQ(lab.in(from(peer).tcp(40000, 80).ack(1001)), "pass verified") << peer;
}

TEST(clock_steps, a_jump_of_years_resets_the_meters) {
  Lab lab;
  lab.limit(FW_METRIC_UDP, 1, 0, 2);
  EXPECT_EQ(lab.in(udp()), "pass pass");
  EXPECT_EQ(lab.in(udp()), "drop limit");
  lab.now_ns += std::uint64_t{7} * 365 * 86'400 * kSecond;
  EXPECT_EQ(lab.in(udp()), "pass pass");
  lab.now_ns = 0;
  EXPECT_EQ(lab.in(udp()), "pass pass");
  lab.now_ns = std::uint64_t{90} * 365 * 86'400 * kSecond;
  EXPECT_EQ(lab.in(udp()), "pass pass");
}

}  // namespace
}  // namespace fw::test
