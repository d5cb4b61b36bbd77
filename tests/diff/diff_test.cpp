// SPDX-License-Identifier: MIT
// The policy in the kernel and the policy in user space give the same verdict, reason, packet,
// event and table slots, over a million random frames. And planted mistakes are found.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "diff/history.hpp"
#include "diff/open_pair.hpp"

namespace fw::test {
namespace {

TEST(policy_diff, kernel_and_user_space_agree_on_a_million_random_frames) {
  const auto pair = open_pair("clocked");
  if (!pair) return;
  const Difference found = run_history(*pair, 20'260'501, 1'000'000, 2'000);
  ASSERT_FALSE(found) << *found;

  // The history has enough packets of every reason to be worth comparing.
  for (unsigned reason = 1; reason < FW_REASON_COUNT; reason++) {
    if (reason == FW_REASON_OUTGOING) continue;   // no verdict
    if (reason == FW_REASON_CHALLENGE) continue;  // only in the kernel, with a listener
    if (reason == FW_REASON_SPOOFED) continue;    // no own address: policy/standing_test.cpp
    EXPECT_GT(pair->reasons()[reason], 100U) << reason;
  }
  EXPECT_GT(pair->events(), 100U);
  EXPECT_GT(pair->samples(), 1'000U);
  const fw_counters counters = pair->counters();
  EXPECT_GT(counters.untracked, 0U);
  EXPECT_GT(counters.new_sources, 10'000U);
  EXPECT_GT(counters.bans_capped, 10U);
  EXPECT_GT(counters.observed_drops, 1'000U);
}

TEST(policy_diff, kernel_and_user_space_agree_from_empty_tables_with_several_seeds) {
  for (unsigned seed = 1; seed <= 5; seed++) {
    const auto pair = open_pair("clocked");
    if (!pair) return;
    const Difference found = run_history(*pair, seed, 20'000, 500);
    ASSERT_FALSE(found) << *found;
  }
}

TEST(policy_diff, a_planted_mistake_is_found) {
  for (const char* object : {"faulty_parse", "faulty_rate"}) {
    const auto pair = open_pair(object);
    if (!pair) return;
    const Difference found = run_history(*pair, 1, 200'000, 500);
    ASSERT_TRUE(found) << object << " went unnoticed";
    EXPECT_EQ(found->find("refused"), std::string::npos) << *found;
    std::printf("%s: %s\n", object, found->c_str());
  }
}

}  // namespace
}  // namespace fw::test
