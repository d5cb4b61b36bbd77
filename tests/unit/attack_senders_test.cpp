// SPDX-License-Identifier: MIT
#include "engine/detect/attack_senders.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace {

using fw::Prefix;
using fw::engine::Attack;
using fw::engine::AttackSenders;
using fw::engine::Reported;
using fw::engine::Sender;

Reported reported(const std::string& source, fw_reason reason, std::uint64_t pps) {
  return {.source = *Prefix::parse(source),
          .target = {FW_CLASS_TCP_SYN, Prefix::parse("192.0.2.1")->address, 443},
          .proto = 6,
          .dport = 443,
          .reason = reason,
          .value = pps,
          .limit = 100,
          .pps = pps};
}

std::map<std::string, Sender> senders_of(const AttackSenders& senders) {
  Attack attack;
  senders.put_into(attack);
  std::map<std::string, Sender> found;
  for (const Sender& each : attack.senders) found.emplace(each.source.text(), each);
  return found;
}

TEST(attack_senders, what_limits_drop_is_divided_by_the_rates_of_the_reported) {
  AttackSenders senders;
  senders.report(reported("198.51.100.1", FW_REASON_LIMIT, 3000));
  senders.report(reported("198.51.100.2", FW_REASON_LIMIT, 1000));
  const auto of_vectors = senders.tick(true, 0, {{FW_REASON_LIMIT, 400}});
  ASSERT_EQ(of_vectors.size(), 1U);
  EXPECT_EQ(of_vectors.begin()->second.at(FW_REASON_LIMIT), 400U);
  const auto found = senders_of(senders);
  EXPECT_EQ(found.at("198.51.100.1").packets, 300U);
  EXPECT_EQ(found.at("198.51.100.2").packets, 100U);
}

TEST(attack_senders, only_a_banned_source_has_proven_its_address) {
  AttackSenders senders;
  Reported of_prefix = reported("203.0.113.0/24", FW_REASON_BAN, 1000);
  of_prefix.of_prefix = true;
  senders.report(of_prefix);
  senders.report(reported("198.51.100.1", FW_REASON_BAN, 1000));
  senders.report(reported("198.51.100.2", FW_REASON_RESTRICT, 1000));
  senders.report(reported("198.51.100.3", FW_REASON_LIMIT, 1000));
  (void)senders.tick(true, 0,
                     {{FW_REASON_BAN, 200}, {FW_REASON_RESTRICT, 100}, {FW_REASON_LIMIT, 100}});
  const auto found = senders_of(senders);
  ASSERT_EQ(found.size(), 4U);
  for (const auto& [source, sender] : found)
    EXPECT_EQ(sender.proven, source == "198.51.100.1") << source;
}

TEST(attack_senders, without_an_attack_nothing_is_counted) {
  AttackSenders senders;
  senders.report(reported("198.51.100.1", FW_REASON_LIMIT, 3000));
  EXPECT_TRUE(senders.tick(false, 0, {{FW_REASON_LIMIT, 400}}).empty());
  EXPECT_TRUE(senders_of(senders).empty());
}

TEST(attack_senders, ten_thousand_reported_sources_take_no_more_room_than_256) {
  AttackSenders senders;
  for (unsigned i = 0; i < 10'000; ++i)
    senders.report(reported("10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256),
                            FW_REASON_LIMIT, 1000));
  (void)senders.tick(true, 0, {{FW_REASON_LIMIT, 1'000'000}});
  EXPECT_LE(senders_of(senders).size(), AttackSenders::kSources);
}

}  // namespace
