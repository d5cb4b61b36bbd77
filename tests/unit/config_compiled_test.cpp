// SPDX-License-Identifier: MIT
// The arithmetic that makes limits of a configuration.
#include <gtest/gtest.h>

#include "config/config.hpp"
#include "config_good.hpp"

namespace {

using fw::config::Config;
using fw::test::good;

TEST(compiled, limits_are_in_ticks_and_windows) {
  const auto compiled = fw::config::compile(good(R"(
[ban]
time = "90s"
per_minute = 1000
prefix_v6 = 56
[limit.default]
packets = { limit = "1000/s", ban_at = "1000/s", burst = "250ms" }
bytes = { limit = "25MB/s", ban_at = "100GB/s", burst = "8s" }
syn = { limit = "4/s", ban_at = "none" }
udp = { limit = "300/s" }
icmp = { limit = "none", ban_at = "1/s" }
)"));
  const fw_config& p = compiled.policy;
  EXPECT_EQ(p.abi_version, FW_ABI_VERSION + 0U);
  EXPECT_EQ(p.mode, FW_MODE_ENFORCE);
  EXPECT_EQ(p.source_bits_v6, 56);
  const fw_rule& rule = p.rule[0];
  EXPECT_EQ(rule.ban_ms, 90'000U);
  EXPECT_EQ(rule.own, 0);
  const auto expect = [&](int metric, fw_u32 cost, fw_u32 burst, fw_u32 ban_above) {
    EXPECT_EQ(rule.limit[metric].cost_q8, cost) << metric;
    EXPECT_EQ(rule.limit[metric].burst, burst) << metric;
    EXPECT_EQ(rule.limit[metric].ban_above, ban_above) << metric;
  };
  expect(FW_METRIC_PACKETS, 16'000'000, 15'625'000, 1074);
  // 25 MB/s are 1,562,500 units of 16 bytes: 40 ticks each. 100 GB/s are more than a u32 of them.
  expect(FW_METRIC_BYTES, 10'240, 500'000'000, 0xffff'ffff);
  expect(FW_METRIC_SYN, 4'000'000'000, 156'250'000, 0);
  expect(FW_METRIC_UDP, 53'333'334, 62'500'000, 21'475);  // the default
  expect(FW_METRIC_ICMP, 0, 0, 1);
  EXPECT_EQ(p.bans_cost, 3'750'000U);
  EXPECT_EQ(p.bans_burst, 1U << 29);
}

TEST(compiled, no_automatic_bans_cost_nothing) {
  const auto compiled = fw::config::compile(good("mode = \"observe\"\n[ban]\nper_minute = 0"));
  EXPECT_EQ(compiled.policy.bans_cost, 0U);
  EXPECT_EQ(compiled.policy.mode, FW_MODE_OBSERVE);
}

TEST(compiled, syn_cookies_are_sent_unless_switched_off) {
  EXPECT_EQ(fw::config::compile(good("")).policy.syn_cookies, 1);
  EXPECT_EQ(fw::config::compile(good("[detect]\nsyn_cookies = false\n")).policy.syn_cookies, 0);
}

TEST(compiled, udp_challenges_are_automatic_unless_a_service_says_otherwise) {
  const auto policy = fw::config::compile(good("[detect]\nudp_challenges = \"off\"\n"
                                               "[[service]]\nname = \"dns\"\nport = \"udp/53\"\n"
                                               "challenge = \"on\"\n[[service]]\nname = \"game\"\n"
                                               "port = \"udp/27015\"\n"))
                          .policy;
  EXPECT_EQ(fw::config::compile(good("")).policy.rule[0].challenge, FW_CHALLENGE_AUTO);
  EXPECT_EQ(policy.rule[0].challenge, FW_CHALLENGE_OFF);
  EXPECT_EQ(policy.rule[1].challenge, FW_CHALLENGE_ON);
  EXPECT_EQ(policy.rule[2].challenge, FW_CHALLENGE_OFF);
}

TEST(compiled, limits_per_prefix_are_a_rule_of_their_own) {
  const auto compiled = fw::config::compile(good(R"(
[ban]
time = "90s"
[limit.prefix]
prefix_v4 = 22
packets = { limit = "1000/s", ban_at = "2000/s" }
)"));
  const fw_config& p = compiled.policy;
  EXPECT_EQ(p.limit_bits_v4, 96 + 22);
  EXPECT_EQ(p.limit_bits_v6, 48);
  const fw_rule& rule = p.rule[FW_RULE_OF_PREFIXES];
  EXPECT_EQ(rule.own, 1);
  EXPECT_EQ(rule.ban_ms, 90'000U);
  EXPECT_EQ(rule.limit[FW_METRIC_PACKETS].cost_q8, 16'000'000U);
  EXPECT_EQ(rule.limit[FW_METRIC_PACKETS].ban_above, 2147U);
  EXPECT_EQ(rule.limit[FW_METRIC_SYN].cost_q8, 0U) << "those of a source are no default for it";
}

TEST(compiled, without_a_limit_per_prefix_none_is_metered) {
  const fw_config p = fw::config::compile(good("[limit.prefix]\nprefix_v4 = 16\n")).policy;
  EXPECT_EQ(p.limit_bits_v4, 0);
  EXPECT_EQ(p.limit_bits_v6, 0);
  EXPECT_EQ(p.rule[FW_RULE_OF_PREFIXES].own, 0);
}

TEST(compiled, services_have_rules_and_ports) {
  const auto compiled = fw::config::compile(good(R"(
[[service]]
name = "game"
port = "udp/27015"
packets = { limit = "1000/s", ban_at = "2000/s" }
[[service]]
name = "web"
port = ["tcp/80", "tcp/8000-8999", "udp/65535"]
ban_time = "5m"
[[service]]
name = "closed"
port = "tcp/1"
action = "drop"
)"));
  const fw_config& p = compiled.policy;
  EXPECT_EQ(compiled.rule_names, (std::vector<std::string>{"default", "game", "web", "closed"}));
  EXPECT_EQ(p.rule[1].own, 1);
  EXPECT_EQ(p.rule[1].limit[FW_METRIC_PACKETS].cost_q8, 16'000'000U);
  EXPECT_EQ(p.rule[1].limit[FW_METRIC_PACKETS].ban_above, 2147U);
  EXPECT_EQ(p.rule[1].ban_ms, 60'000U);
  EXPECT_EQ(p.rule[2].own, 0);
  EXPECT_EQ(p.rule[2].ban_ms, 300'000U);
  EXPECT_EQ(p.rule[2].action, FW_ACTION_LIMIT);
  EXPECT_EQ(p.rule[2].limit[FW_METRIC_SYN].cost_q8, p.rule[0].limit[FW_METRIC_SYN].cost_q8);
  EXPECT_EQ(p.rule[3].action, FW_ACTION_DROP);

  ASSERT_EQ(compiled.ports.size(), FW_PORT_LINES + 0U);
  for (unsigned index = 0; index < 2 * 65'536; index++) {
    unsigned expected = 0;
    if (index == 65'536 + 27'015) expected = 1;
    if (index == 80 || (index >= 8000 && index <= 8999) || index == 65'536 + 65'535) expected = 2;
    if (index == 1) expected = 3;
    ASSERT_EQ(compiled.ports[index / 64].value[index % 64], expected) << index;
  }
}

}  // namespace
