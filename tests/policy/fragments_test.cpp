// SPDX-License-Identifier: MIT
// Later fragments share the fate of their datagram's first one.
#include <gtest/gtest.h>

#include "policy_lab.hpp"

namespace fw::test {
namespace {

constexpr fw_u32 kSecondTicks = 62'500'000;

// Budgets of 10/s and 16 at once for fragments; a peer that this host sends to on port 2049.
class Fragments : public Lab {
 public:
  Fragments() {
    config.budget[FW_CLASS_FRAGMENT] = {.cost = kSecondTicks / 10,
                                        .burst = 16 * (kSecondTicks / 10),
                                        .served_burst = 0,
                                        .limit = 10};
    publish();
    out(to(kPeer).udp(2049, 700));
  }
  Packet first(const char* peer, unsigned identification) {
    return Packet::ethernet()
        .ipv4(peer, kHost)
        .id(identification)
        .fragment(0, true)
        .udp(700, 2049)
        .payload(1400);
  }
  Packet later(const char* peer, unsigned identification) {
    return Packet::ethernet()
        .ipv4(peer, kHost)
        .id(identification)
        .fragment(1480, true)
        .udp(0, 0)
        .payload(1400);
  }
};

TEST(fragments, of_a_datagram_that_passed_pass) {
  Fragments lab;
  unsigned passed = 0;
  for (unsigned i = 0; i < 2000; i++) {
    ASSERT_EQ(lab.in(lab.first(kPeer, i)), "pass verified");
    for (unsigned n = 0; n < 5; n++) passed += lab.decide(lab.later(kPeer, i)).verdict == FW_PASS;
    lab.now_ns += kMillisecond;
  }
  EXPECT_EQ(passed, 10'000U);
}

TEST(fragments, of_no_datagram_that_passed_are_held_to_their_budget) {
  Fragments lab;
  unsigned passed = 0;
  for (unsigned i = 0; i < 2000; i++) passed += lab.decide(lab.later(kPeer, i)).verdict == FW_PASS;
  EXPECT_LT(passed, 30U);
}

TEST(fragments, are_no_more_than_a_datagram_can_have) {
  Fragments lab;
  (void)lab.in(lab.first(kPeer, 7));
  unsigned passed = 0;
  for (unsigned n = 0; n < 2000; n++) passed += lab.decide(lab.later(kPeer, 7)).verdict == FW_PASS;
  EXPECT_LT(passed, 54U + 30U);
}

}  // namespace
}  // namespace fw::test
