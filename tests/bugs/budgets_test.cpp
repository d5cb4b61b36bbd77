// SPDX-License-Identifier: MIT
// Budgets that refused nobody.
#include <gtest/gtest.h>

#include <algorithm>

#include "policy/policy_lab.hpp"

namespace fw::test {
namespace {

constexpr fw_u32 kSecondTicks = 62'500'000;
constexpr unsigned kCollector = 2055;

// Two of thirty budgets shared a slot at one start in three: a flood was held to the other's limit.
TEST(budgets, with_the_same_slot_stay_apart) {
  Lab lab;
  const fw_u32 cost = kSecondTicks / 1000;
  lab.config.budget[FW_CLASS_ICMP_ECHO] = {
      .cost = cost, .burst = 1000 * cost, .served_burst = 1000 * cost, .limit = 1000};
  lab.publish();
  for (unsigned i = 0; i < 100; i++) {
    const std::string host = "198.51.100." + std::to_string(i);
    const std::string source = "10.0." + std::to_string(i) + ".9";
    (void)lab.in(Packet::ethernet().ipv4(source, host).icmp_echo(1, 1));
  }
  const auto used = std::ranges::count_if(lab.datapath.tables().budgets,
                                          [](const fw_budget& budget) { return budget.used != 0; });
  EXPECT_EQ(used, 101) << "one an address, and that of all of them";
}

// More than 18 minutes of tokens used were taken for a clock that stepped back, and were refunded.
TEST(budgets, refuse_however_slow_they_are) {
  Lab lab;
  lab.config.budget[FW_CLASS_UDP_NEW] = {
      .cost = kSecondTicks, .burst = 2 * kSecondTicks, .served_burst = ~0U, .limit = 1};
  lab.publish();
  lab.handshake(kPeer);  // this host is seen to send
  const std::size_t index = 65'536 + kCollector;
  lab.datapath.tables().served[index / FW_LINE_BYTES].value[index % FW_LINE_BYTES] =
      FW_PORT_LISTENS | FW_PORT_LARGE_RCVBUF;
  unsigned dropped = 0;
  for (unsigned i = 0; i < 9000; i++) {
    const std::string source =
        "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
    dropped += lab.in(from(source).udp(40'000, kCollector).payload(64)) == "drop budget";
    lab.now_ns += kMillisecond / 5;
  }
  EXPECT_GT(dropped, 8000U);
}

}  // namespace
}  // namespace fw::test
