// SPDX-License-Identifier: MIT
// The policy compared with its model (model.hpp) over random histories.
#include <gtest/gtest.h>

#include "oracle/history.hpp"

namespace fw::test {
namespace {

TEST(policy_oracle, policy_and_model_give_the_same_verdicts_events_and_bans) {
  constexpr unsigned kHistories = 40, kSteps = 7'000;
  fw_counters sum{};
  std::uint64_t bans = 0, prefix_events = 0;
  unsigned complete = 0;
  for (unsigned seed = 1; complete < kHistories && seed < 10 * kHistories; seed++) {
    History history(seed);
    for (unsigned i = 0; i < kSteps && !history.budgets_collide(); i++) {
      const std::string found = history.step();
      ASSERT_EQ(found, "") << "step " << i << " of seed " << seed;
    }
    if (history.budgets_collide()) continue;
    complete++;
    ASSERT_EQ(history.end(), "") << "at the end of seed " << seed;
    const fw_counters counters = history.counters();
    for (unsigned r = 0; r < FW_REASON_COUNT; r++) sum.packets[r] += counters.packets[r];
    bans += history.bans_made();
    prefix_events += history.prefix_events();
    ASSERT_EQ(counters.untracked, 0U);
  }
  // The histories have enough packets of every reason to be worth comparing.
  EXPECT_EQ(complete, kHistories);
  for (const unsigned reason :
       {FW_REASON_LINK, FW_REASON_EXEMPT, FW_REASON_ALLOW, FW_REASON_DENY, FW_REASON_BAN,
        FW_REASON_CLOSED, FW_REASON_OPEN, FW_REASON_SIGNATURE, FW_REASON_LIMIT, FW_REASON_BUDGET,
        FW_REASON_VERIFIED, FW_REASON_PASS, FW_REASON_RESTRICT})
    EXPECT_GT(sum.packets[reason], 300U) << reason;
  EXPECT_GT(bans, 200U);
  EXPECT_GT(prefix_events, 200U);
}

}  // namespace
}  // namespace fw::test
