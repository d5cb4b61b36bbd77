// SPDX-License-Identifier: MIT
// The self-test's reading of a log: it must not be content with a log that does not say what
// happened. The experiment itself runs in tests/net/test_selftest.py.
#include <gtest/gtest.h>

#include <string>

#include "selftest/log_check.hpp"

namespace {

using fw::Milliseconds;
using fw::selftest::check_log;
using fw::selftest::Expectation;

const Expectation kExpected{.key = "203.0.113.77",
                            .rule = "hello",
                            .port = 8080,
                            .limit_per_second = 40,
                            .ban_time = Milliseconds{2000}};

std::string ban(const std::string& tail) {
  return "2026-05-01T23:59:59.412Z NOTICE Ban 203.0.113.77 " + tail + "\n";
}
std::string good_ban() {
  return ban("for=2s rule=hello proto=tcp dport=8080 pps=62 limit=40 window=1s offence=1");
}
std::string unban(const std::string& time) {
  return time + " NOTICE Unban 203.0.113.77 reason=expired renewals=0 dropped=3\n";
}

TEST(selftest_log, ban_and_its_end_are_found_across_midnight) {
  const auto found = check_log(good_ban() + unban("2026-05-02T00:00:01.500Z"), kExpected);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found, "Ban at 62 packets/s, Unban 2.1 s later");
}

TEST(selftest_log, lines_of_others_and_bans_by_hand_are_passed_over) {
  const std::string others =
      "2026-05-01T23:59:58.000Z NOTICE Ban 203.0.113.77 for=1h reason=self-test offence=1\n"
      "2026-05-01T23:59:58.100Z NOTICE Unban 203.0.113.77 reason=operator\n"
      "2026-05-01T23:59:58.200Z NOTICE Ban 203.0.113.78 for=9s rule=hello\n"
      "no line of ours\n\n";
  EXPECT_TRUE(check_log(others + good_ban() + unban("2026-05-02T00:00:01.412Z"), kExpected));
  EXPECT_FALSE(check_log(others, kExpected));
}

TEST(selftest_log, each_wrong_log_is_refused_for_its_fault) {
  const std::string end = unban("2026-05-02T00:00:01.500Z");
  const struct {
    std::string log, says;
  } cases[] = {
      {"", "no line \"Ban"},
      {end, "no line \"Ban"},
      {good_ban(), "no line \"Unban"},
      {end + good_ban(), "no line \"Unban"},
      {good_ban() + unban("2026-05-02T00:00:01.000Z"), "too soon"},
      {ban("for=2s rule=hello proto=tcp dport=8080 limit=40") + end, "no pps="},
      {ban("for=2s rule=hello proto=tcp dport=8080 pps=39 limit=40") + end, "below the limit"},
      {ban("for=2s rule=hello proto=udp dport=8080 pps=62 limit=40") + end, "proto=udp"},
      {ban("for=2s rule=default proto=tcp dport=8080 pps=62 limit=40") + end, "rule=default"},
      {ban("for=1m rule=hello proto=tcp dport=8080 pps=62 limit=40") + end, "for=1m"},
      {ban("rule=hello proto=tcp dport=8080 pps=62 limit=40") + end, "no for="},
      {good_ban() + "2026-13-02T00:00:01.500Z NOTICE Unban 203.0.113.77 reason=expired\n",
       "no line \"Unban"},
      {good_ban() + "2026-05-02T00:00:01.500Z NOTICE Unban 203.0.113.77 reason=operator\n",
       "no line \"Unban"},
  };
  for (const auto& one : cases) {
    const auto found = check_log(one.log, kExpected);
    ASSERT_FALSE(found) << one.log;
    EXPECT_NE(found.error().message.find(one.says), std::string::npos)
        << one.log << found.error().message;
  }
}

}  // namespace
