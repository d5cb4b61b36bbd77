// SPDX-License-Identifier: MIT
// Bans, from the operator and from limits: made, extended, escalated, renewed, ended, adopted,
// repaired.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "datapath/address_key.hpp"
#include "harness/engine_lab.hpp"
#include "harness/packet.hpp"

namespace fw::test {
namespace {

using namespace std::chrono_literals;

TEST(engine_bans, operators_ban_is_in_force_until_its_time_is_over) {
  EngineLab lab;
  ASSERT_TRUE(lab.ready);
  ASSERT_TRUE(lab.run("ban", {"203.0.113.77"}, {{"for", "10m"}, {"reason", "port scan"}}));
  EXPECT_TRUE(lab.banned("203.0.113.77"));
  EXPECT_EQ(lab.last("Ban"), "NOTICE Ban 203.0.113.77 for=600s by=operator reason=\"port scan\"");
  lab.pass(599s);
  EXPECT_TRUE(lab.banned("203.0.113.77"));
  EXPECT_EQ(lab.last("Unban"), "");
  lab.pass(1s);
  EXPECT_EQ(lab.datapath.find(prefix("203.0.113.77"), FW_ENTRY_BAN), nullptr);
  EXPECT_EQ(lab.last("Unban"), "NOTICE Unban 203.0.113.77 reason=expired dropped=0");
}

TEST(engine_bans, banning_again_extends_and_never_shortens) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"203.0.113.77"}, {{"for", "1h"}}));
  const auto shorter = lab.run("ban", {"203.0.113.77"}, {{"for", "1m"}});
  ASSERT_TRUE(shorter);
  EXPECT_FALSE((*shorter)["results"][0]["changed"].get<bool>());
  ASSERT_TRUE(lab.run("ban", {"203.0.113.77"}, {{"forever", ""}}));
  lab.pass(240h);
  EXPECT_TRUE(lab.banned("203.0.113.77"));
}

TEST(engine_bans, a_ban_made_again_after_an_unban_ends_at_its_own_time) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"203.0.113.77"}, {{"for", "1m"}}));
  ASSERT_TRUE(lab.run("unban", {"203.0.113.77"}));
  ASSERT_TRUE(lab.run("ban", {"203.0.113.77"}, {{"for", "10m"}}));
  lab.pass(599s);
  EXPECT_TRUE(lab.banned("203.0.113.77"));
  lab.pass(1s);
  EXPECT_FALSE(lab.banned("203.0.113.77"));
}

TEST(engine_bans, thousands_of_unbans_leave_the_others_their_ends) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"203.0.113.1"}, {{"for", "1m"}}));
  ASSERT_TRUE(lab.run("ban", {"203.0.113.2"}, {{"forever", ""}}));
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(lab.run("ban", {"203.0.113.77"}, {{"for", "1h"}}));
    ASSERT_TRUE(lab.run("unban", {"203.0.113.77"}));
  }
  ASSERT_TRUE(lab.run("ban", {"203.0.113.3"}, {{"for", "2m"}}));
  lab.pass(60s);
  EXPECT_FALSE(lab.banned("203.0.113.1"));
  EXPECT_TRUE(lab.banned("203.0.113.3"));
  lab.pass(60s);
  EXPECT_FALSE(lab.banned("203.0.113.3"));
  EXPECT_TRUE(lab.banned("203.0.113.2"));
}

TEST(engine_bans, a_brief_answer_has_the_counts_alone) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"203.0.113.1"}, {{"forever", ""}}));
  const auto banned =
      lab.run("ban", {"203.0.113.1", "203.0.113.2"}, {{"for", "1h"}, {"brief", ""}});
  ASSERT_TRUE(banned);
  EXPECT_EQ(*banned, (nlohmann::json{{"count", 2}, {"changed", 1}}));
  EXPECT_TRUE(lab.banned("203.0.113.2"));
  const auto lifted = lab.run("unban", {}, {{"all", ""}, {"brief", ""}});
  ASSERT_TRUE(lifted);
  EXPECT_EQ(*lifted, (nlohmann::json{{"count", 2}, {"changed", 2}}));
}

TEST(engine_bans, a_ban_by_a_limit_is_logged_with_rule_value_and_limit) {
  EngineLab lab(game_config());
  lab.datapath.ban(prefix("203.0.113.77"), lab.mono_ns, 60'000, game_flood());
  lab.pass(100ms);
  EXPECT_EQ(lab.last("Ban"),
            "NOTICE Ban 203.0.113.77 for=60s rule=game proto=udp dport=27015 pps=12400 limit=2000 "
            "window=1s offence=1");
}

TEST(engine_bans, a_prefix_is_banned_by_its_limits_and_forgotten_as_a_source_is) {
  config::Config config;
  EXPECT_EQ(EngineLab(config).datapath.config().lengths_v4, 1);
  config.limit_prefix.limits[FW_METRIC_PACKETS].ban_at = 2000;
  EngineLab lab(config);
  EXPECT_EQ(lab.datapath.config().lengths_v4, 2) << "before the datapath makes such a ban";
  EXPECT_EQ(lab.datapath.config().lengths_v6, 3);

  const Packet packet = Packet::ethernet().ipv4("203.0.113.7", "198.51.100.7").udp(9, 27015);
  lab.datapath.decide(packet.bytes(), lab.mono_ns);
  const auto now = [&] { return (*lab.run("why", {"203.0.113.0/24"}))["answers"][0]["meters"]; };
  ASSERT_EQ(now().size(), 1U);
  EXPECT_EQ(now()[0]["rule"], "prefix");

  fw_event flood = game_flood();
  flood.rule = FW_RULE_OF_PREFIXES;
  lab.datapath.ban(prefix("203.0.113.0/24"), lab.mono_ns, 60'000, flood);
  lab.pass(100ms);
  EXPECT_EQ(lab.last("Ban"),
            "NOTICE Ban 203.0.113.0/24 for=60s rule=prefix proto=udp dport=27015 pps=12400 "
            "limit=2000 window=1s offence=1");
  EXPECT_EQ((*lab.run("why", {"203.0.113.9"}))["answers"][0]["lines"][0][1],
            "limits per prefix, udp/27015, ban above 2,000 pkt/s over 1 s");
  ASSERT_TRUE(lab.run("unban", {"203.0.113.0/24"}));
  EXPECT_TRUE(now().empty()) << "else its next packet would ban it again";
}

TEST(engine_bans, a_repeat_offenders_ban_is_longer_each_time) {
  EngineLab lab(game_config());
  const std::vector<std::uint64_t> factors{1, 5, 30, 240, 240};
  for (const std::uint64_t factor : factors) {
    const std::uint64_t since = lab.mono_ns;
    lab.datapath.ban(prefix("203.0.113.77"), since, 60'000, game_flood());
    lab.pass(100ms);
    const fw_entry* entry = lab.datapath.find(prefix("203.0.113.77"), FW_ENTRY_BAN);
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->hold_ms, 60'000 * factor);
    EXPECT_EQ(entry->until_ns, since + 60 * kSecond * factor);
    ASSERT_TRUE(lab.run("unban", {"203.0.113.77"}));
  }
  lab.pass(25h);  // longer than ban.memory
  lab.datapath.ban(prefix("203.0.113.77"), lab.mono_ns, 60'000, game_flood());
  lab.pass(100ms);
  EXPECT_EQ(lab.datapath.find(prefix("203.0.113.77"), FW_ENTRY_BAN)->hold_ms, 60'000);
}

TEST(engine_bans, renewals_by_the_datapath_are_followed_and_counted_at_the_end) {
  EngineLab lab(game_config());
  const std::uint64_t since = lab.mono_ns;
  lab.datapath.ban(prefix("203.0.113.77"), since, 60'000, game_flood());
  lab.pass(1s);
  // The flood lasts 250 s: the datapath moves the end to 310 s.
  fw_entry* entry = lab.datapath.find(prefix("203.0.113.77"), FW_ENTRY_BAN);
  entry->until_ns = since + 310 * kSecond;
  entry->dropped = 4'210'000;
  lab.datapath.pending[lab.datapath.index_of(entry)] = 331;
  lab.pass(200s);
  EXPECT_TRUE(lab.banned("203.0.113.77"));
  EXPECT_EQ(lab.last("Unban"), "");
  lab.pass(109s);
  EXPECT_EQ(lab.last("Unban"),
            "NOTICE Unban 203.0.113.77 reason=expired renewals=5 dropped=4210331");
  EXPECT_TRUE(lab.datapath.pending.empty());
}

TEST(engine_bans, a_new_ban_in_the_place_of_one_that_just_ended_is_a_new_ban) {
  EngineLab lab(game_config());
  lab.datapath.ban(prefix("203.0.113.77"), lab.mono_ns, 60'000, game_flood());
  lab.pass(100ms);
  lab.mono_ns += 60 * kSecond;  // over, but no tick came yet
  lab.datapath.ban(prefix("203.0.113.77"), lab.mono_ns, 60'000, game_flood());
  lab.pass(100ms);
  EXPECT_TRUE(lab.last("Unban").starts_with("NOTICE Unban 203.0.113.77 reason=expired"));
  EXPECT_TRUE(lab.last("Ban").ends_with("offence=2"));
  EXPECT_TRUE(lab.banned("203.0.113.77"));
}

TEST(engine_bans, observe_says_would_ban_and_enforce_forgets_those) {
  config::Config config = game_config();
  config.mode = config::Mode::observe;
  EngineLab lab(config);
  EXPECT_EQ(lab.datapath.config().mode, FW_MODE_OBSERVE);
  lab.datapath.ban(prefix("203.0.113.77"), lab.mono_ns, 60'000, game_flood(true));
  lab.pass(100ms);
  EXPECT_TRUE(lab.last("WouldBan").starts_with("NOTICE WouldBan 203.0.113.77 for=60s rule=game"));
  ASSERT_TRUE(lab.run("ban", {"198.51.100.1"}));
  EXPECT_EQ(lab.last("Ban"), "");
  ASSERT_TRUE(lab.run("mode", {"enforce"}));
  EXPECT_EQ(lab.datapath.config().mode, FW_MODE_ENFORCE);
  EXPECT_FALSE(lab.banned("203.0.113.77"));
  EXPECT_TRUE(lab.banned("198.51.100.1")) << "the operator meant it";
  lab.datapath.ban(prefix("203.0.113.77"), lab.mono_ns, 60'000, game_flood());
  lab.pass(100ms);
  EXPECT_TRUE(lab.last("Ban").ends_with("offence=1")) << "a would-be ban is no offence";
}

TEST(engine_bans, what_passed_in_observe_mode_is_never_called_dropped) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"198.51.100.1"}));
  const auto count = [&](std::uint64_t packets) {
    const_cast<fw_entry*>(lab.datapath.find(prefix("198.51.100.1"), FW_ENTRY_BAN))->dropped +=
        packets;
    lab.datapath.counts.packets[FW_REASON_BAN] += packets;
    lab.datapath.counts.bytes[FW_REASON_BAN] += 60 * packets;
    if (lab.engine.mode() == engine::Mode::observe) lab.datapath.counts.observed_drops += packets;
    lab.pass(100ms);
  };
  count(5);
  ASSERT_TRUE(lab.run("mode", {"observe"}));
  EXPECT_EQ(lab.last("Dropped"), "INFO Dropped packets=5 bytes=300 ban=5");
  count(70);
  auto ban = lab.run("list", {"bans"}).value()["bans"][0];
  EXPECT_EQ(ban["dropped"], 5);
  EXPECT_EQ(ban["would_drop"], 70);
  ASSERT_TRUE(lab.run("mode", {"enforce"}));
  EXPECT_EQ(lab.last("WouldDrop"), "INFO WouldDrop packets=70 bytes=4200 ban=70");
  count(600);
  const auto traffic = lab.run("status").value()["traffic"];
  EXPECT_EQ(traffic["dropped_packets"], 605);
  EXPECT_EQ(traffic["dropped_bytes"], 605 * 60);
  EXPECT_EQ(traffic["observed_drops"], 70);
  ASSERT_TRUE(lab.run("unban", {"198.51.100.1"}));
  EXPECT_EQ(lab.last("Unban"),
            "NOTICE Unban 198.51.100.1 reason=operator dropped=605 would_drop=70");
}

TEST(engine_bans, a_new_reason_for_a_ban_in_force_is_kept) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"198.51.100.1"}, {{"reason", "scans"}}));
  const auto again = lab.run("ban", {"198.51.100.1"}, {{"for", "1h"}, {"reason", "sells it"}});
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)["results"][0]["message"],
            "was banned already until it is unbanned; the reason is noted");
  EXPECT_EQ((*lab.run("list", {"bans"}))["bans"][0]["reason"], "sells it");
  EXPECT_EQ(lab.last("BanReason"), "INFO BanReason 198.51.100.1 reason=\"sells it\"");
  lab.datapath.ban(prefix("203.0.113.77"), lab.mono_ns, 60'000, game_flood());
  lab.pass(100ms);
  ASSERT_TRUE(lab.run("ban", {"203.0.113.77"}, {{"for", "1s"}, {"reason", "known bot"}}));
  const auto bans = lab.run("list", {"bans"}).value()["bans"];
  EXPECT_EQ(bans[1]["reason"], "known bot");
  EXPECT_EQ(bans[1]["by"], "limit") << "the datapath still renews it";
}

TEST(engine_bans, unban_of_a_part_of_a_ban_is_refused_and_says_what_would_do_it) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"203.0.113.0/24", "198.51.100.1"}));
  const auto part = lab.run("unban", {"198.51.100.1", "203.0.113.5"});
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().kind, ErrorKind::refused);
  EXPECT_EQ(part.error().message,
            "203.0.113.5 is inside 203.0.113.0/24, which is banned as a whole (nothing was "
            "unbanned). To let all of it in: floodwall unban 203.0.113.0/24. To let in only "
            "203.0.113.5: floodwall allow 203.0.113.5 (--for 1h, for a while)");
  EXPECT_TRUE(lab.banned("198.51.100.1"));
  ASSERT_TRUE(lab.run("allow", {"203.0.113.5"}, {{"for", "1h"}}));
  EXPECT_EQ((*lab.run("why", {"203.0.113.5"}))["answers"][0]["verdict"], "pass");
  EXPECT_EQ((*lab.run("why", {"203.0.113.6"}))["answers"][0]["verdict"], "drop");
}

TEST(engine_bans, unban_finds_the_ban_around_an_address_and_those_inside_a_prefix) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"2001:db8::/64", "10.1.2.3", "10.1.2.4", "10.2.0.1"}));
  const auto around = lab.run("unban", {"2001:db8::1"});
  ASSERT_TRUE(around);
  EXPECT_EQ((*around)["results"][0]["message"], "unbanned 2001:db8::/64");
  EXPECT_FALSE(lab.banned("2001:db8::/64"));
  ASSERT_TRUE(lab.run("unban", {"10.1.0.0/16"}));
  EXPECT_FALSE(lab.banned("10.1.2.3"));
  EXPECT_FALSE(lab.banned("10.1.2.4"));
  EXPECT_TRUE(lab.banned("10.2.0.1"));
}

// One packet of UDP that costs a source all of its limit.
unsigned judged(EngineLab& lab, const char* source) {
  const Packet packet = Packet::ethernet().ipv6(source, "2001:db8::7").udp(1234, 9).payload(20);
  return lab.datapath.decide(packet.bytes(), lab.mono_ns).reason;
}

TEST(engine_bans, who_is_unbanned_or_allowed_starts_with_empty_meters) {
  config::Config config;
  config.limit_default = {};
  config.limit_default[FW_METRIC_UDP] = {
      .limit = 1, .ban_at = std::nullopt, .burst = Milliseconds{1}};
  EngineLab lab(config);
  const Prefix source = prefix("2001:db8:5::/64");
  for (const char* verb : {"unban", "allow"}) {
    lab.pass(10s);
    EXPECT_EQ(judged(lab, "2001:db8:5::1"), FW_REASON_PASS);
    EXPECT_EQ(judged(lab, "2001:db8:6::1"), FW_REASON_PASS);
    EXPECT_EQ(judged(lab, "2001:db8:5::2"), FW_REASON_LIMIT);
    lab.datapath.ban(source, lab.mono_ns, 60'000, game_flood());
    lab.pass(100ms);
    EXPECT_EQ(judged(lab, "2001:db8:5::3"), FW_REASON_BAN);
    ASSERT_TRUE(lab.run(verb, {"2001:db8:5::/64"}));
    if (verb == std::string_view("allow")) {
      ASSERT_TRUE(lab.run("unallow", {"2001:db8:5::/64"}));
    }
    EXPECT_EQ(judged(lab, "2001:db8:5::3"), FW_REASON_PASS) << verb;
    EXPECT_EQ(judged(lab, "2001:db8:6::1"), FW_REASON_LIMIT) << "another source's meters stay";
  }
}

TEST(engine_bans, unbanning_an_absent_one_succeeds_unless_strict) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"10.0.0.1"}));
  const auto lenient = lab.run("unban", {"10.0.0.2"});
  ASSERT_TRUE(lenient);
  EXPECT_FALSE((*lenient)["results"][0]["changed"].get<bool>());
  const auto strict = lab.run("unban", {"10.0.0.1", "10.0.0.2"}, {{"strict", ""}});
  ASSERT_FALSE(strict);
  EXPECT_EQ(strict.error().kind, ErrorKind::failed);
  EXPECT_TRUE(lab.banned("10.0.0.1")) << "nothing was done";
}

TEST(engine_bans, mapped_addresses_are_the_ipv4_address) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"::ffff:203.0.113.9"}));
  EXPECT_TRUE(lab.banned("203.0.113.9"));
}

TEST(engine_bans, one_bad_address_of_many_means_nothing_is_applied) {
  EngineLab lab;
  const auto result = lab.run("ban", {"10.0.0.1", "10.0.0.300"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::usage);
  EXPECT_NE(result.error().message.find("10.0.0.300"), std::string::npos);
  EXPECT_FALSE(lab.banned("10.0.0.1"));
}

TEST(engine_bans, a_new_prefix_length_is_published_once_and_dropped_when_unused) {
  EngineLab lab;
  const auto lengths = [&] {
    const fw_config& config = lab.datapath.config();
    return std::vector<unsigned>(config.prefix_bits_v4, config.prefix_bits_v4 + config.lengths_v4);
  };
  EXPECT_EQ(lengths(), (std::vector<unsigned>{128}));
  const int before = lab.datapath.publishes;
  ASSERT_TRUE(lab.run("ban", {"10.1.2.0/24", "10.1.3.0/24", "10.4.0.0/16", "10.9.9.9"}));
  EXPECT_EQ(lab.datapath.publishes, before + 1);
  EXPECT_EQ(lengths(), (std::vector<unsigned>{128, 120, 112}));
  EXPECT_EQ(lab.datapath.config().seed[0], 0x1234'5678'9abc'def0ULL);
  EXPECT_EQ(lab.datapath.config().entry_mask, 16'383);
  ASSERT_TRUE(lab.run("unban", {}, {{"all", ""}}));
  lab.pass(100ms);
  EXPECT_EQ(lengths(), (std::vector<unsigned>{128}));
}

TEST(engine_bans, a_ninth_prefix_length_is_refused_and_says_which_are_in_use) {
  EngineLab lab;
  for (unsigned bits = 9; bits < 16; ++bits)
    ASSERT_TRUE(lab.run("ban", {masked(Address::parse("10.0.0.0").value(), 96 + bits).text() + "/" +
                                std::to_string(bits)}));
  const auto refused = lab.run("ban", {"10.0.0.0/8"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::refused);
  EXPECT_NE(refused.error().message.find("/9 /10 /11 /12 /13 /14 /15 /32"), std::string::npos);
  EXPECT_NE(refused.error().message.find("deny.list"), std::string::npos);
  ASSERT_TRUE(lab.run("unban", {"10.0.0.0/9"}));
  EXPECT_TRUE(lab.run("ban", {"11.0.0.0/8"})) << "a length came free";
}

TEST(engine_bans, a_hundred_thousand_bans_in_one_request_are_quick_and_publish_at_most_once) {
  EngineLab lab({}, 32'768);
  std::vector<std::string> addresses;
  for (std::uint32_t i = 0; i < 100'000; ++i)
    addresses.push_back(Address::v4(0x0a00'0000 + i * 7).text());
  const int before = lab.datapath.publishes;
  const auto begin = std::chrono::steady_clock::now();
  const auto result = lab.run("ban", addresses, {{"for", "1h"}});
  const auto took = std::chrono::steady_clock::now() - begin;
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ((*result)["count"], 100'000);
  EXPECT_LE(lab.datapath.publishes, before + 1);
  EXPECT_LT(took, 60s) << "quadratic work would take minutes, even under sanitizers";
  RecordProperty("ms", static_cast<int>(took / 1ms));
  EXPECT_EQ(lab.engine.bans().all().size(), 100'000);
  EXPECT_EQ(lab.log().size(), 201) << "200 lines of Ban and the Reload of the start";
  lab.pass(1s);
  EXPECT_EQ(lab.last("Suppressed"), "WARNING Suppressed count=99800 type=Ban");
}

TEST(engine_bans, a_full_table_is_an_error_that_says_what_to_raise) {
  EngineLab lab({}, 2);
  std::vector<std::string> addresses;
  for (std::uint32_t i = 0; i < 17; ++i) addresses.push_back(Address::v4(0x0a00'0000 + i).text());
  const auto result = lab.run("ban", addresses);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::failed);
  EXPECT_NE(result.error().message.find("tables.bans"), std::string::npos);
}

TEST(engine_bans, a_new_daemon_goes_on_with_the_bans_it_finds) {
  EngineLab lab(game_config());
  ASSERT_TRUE(lab.run("ban", {"10.0.0.0/24"}, {{"for", "1h"}}));
  ASSERT_TRUE(lab.run("ban", {"10.7.7.7"}, {{"forever", ""}}));
  lab.datapath.ban(prefix("203.0.113.77"), lab.mono_ns, 60'000, game_flood());
  lab.pass(1s);

  engine::Engine next(lab.datapath, game_config(), lab.folder.path());
  ASSERT_TRUE(next.adopt(lab.now()));
  EXPECT_EQ(next.bans().all().size(), 3);
  EXPECT_EQ(lab.datapath.config().lengths_v4, 2);
  EXPECT_EQ(next.bans().all().at(prefix("203.0.113.77")).rule, "game");
  EXPECT_EQ(next.bans().all().at(prefix("10.0.0.0/24")).by, engine::BannedBy::operator_);
  lab.mono_ns += 60 * kSecond;
  next.tick(lab.now());
  EXPECT_FALSE(lab.banned("203.0.113.77"));
  EXPECT_TRUE(lab.banned("10.0.0.0/24"));
  EXPECT_EQ(next.bans().all().size(), 2);
}

TEST(engine_bans, what_a_former_daemon_only_observed_is_not_enforced_by_the_next) {
  config::Config observe = game_config();
  observe.mode = config::Mode::observe;
  EngineLab lab(observe);
  lab.datapath.ban(prefix("203.0.113.77"), lab.mono_ns, 60'000, game_flood(true));
  engine::Engine next(lab.datapath, game_config(), lab.folder.path());
  ASSERT_TRUE(next.adopt(lab.now()));
  EXPECT_FALSE(lab.banned("203.0.113.77"));
}

TEST(engine_bans, the_audit_restores_what_vanished_from_the_tables_and_reports_it) {
  EngineLab lab;
  ASSERT_TRUE(lab.engine.set_exemptions(
      std::vector<engine::Exemption>{{Address::parse("203.0.113.1").value(), "default gateway"}},
      lab.now()));
  ASSERT_TRUE(lab.run("ban", {"10.0.0.1", "10.0.0.2"}, {{"for", "1h"}}));
  lab.pass(1s);
  EXPECT_TRUE(lab.engine.problems(lab.now()).empty());
  lab.datapath.wipe_entries();
  for (int i = 0; i < 120; ++i) lab.pass(100ms);
  EXPECT_TRUE(lab.banned("10.0.0.1"));
  EXPECT_TRUE(lab.exempt("203.0.113.1"));
  EXPECT_EQ(lab.datapath.find(prefix("10.0.0.1"), FW_ENTRY_BAN)->until_ns, 4600 * kSecond);
  EXPECT_EQ(lab.last("Repaired"), "WARNING Repaired entries=3");
  ASSERT_EQ(lab.engine.problems(lab.now()).size(), 1);
  EXPECT_TRUE(lab.engine.problems(lab.now())[0].starts_with("3 bans or exemptions"));
}

TEST(engine_bans, an_entry_that_somebody_spoiled_is_put_right_in_its_slot_and_logged_once) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"10.0.0.1"}, {{"for", "1h"}}));
  lab.pass(1s);
  fw_entry* entry = lab.datapath.find(prefix("10.0.0.1"), FW_ENTRY_BAN);
  ASSERT_NE(entry, nullptr);
  const fw_entry whole = *entry;
  const auto spoil = [&](auto change) {
    *entry = whole;
    change(*entry);
    for (int i = 0; i < 20; ++i) lab.pass(100ms);
    EXPECT_TRUE(lab.banned("10.0.0.1"));
    EXPECT_EQ(lab.datapath.find(prefix("10.0.0.1"), FW_ENTRY_BAN), entry);
  };
  spoil([](fw_entry& e) { e = {}; });
  spoil([](fw_entry& e) { e.addr.lo ^= 1; });
  spoil([](fw_entry& e) { e.until_ns = 1; });
  spoil([](fw_entry& e) { e.since_ns = FW_FOREVER / 2; });
  spoil([](fw_entry& e) { e.kind = FW_ENTRY_ALLOW; });
  spoil([](fw_entry& e) { e.metric |= FW_ENTRY_RESTRICTED; });
  EXPECT_EQ(std::ranges::count_if(
                lab.log(), [](const std::string& line) { return line.contains("Repaired"); }),
            1);
}

TEST(engine_bans, the_audit_finds_bans_whose_event_was_lost_and_removes_strange_exemptions) {
  EngineLab lab(game_config());
  lab.datapath.ban(prefix("203.0.113.77"), lab.mono_ns, 3'600'000, game_flood());
  lab.datapath.events.clear();
  fw_entry strange{};
  strange.addr = key_of(prefix("192.0.2.66").address);
  strange.prefix_bits = 128;
  strange.kind = FW_ENTRY_EXEMPT;
  strange.until_ns = FW_FOREVER;
  lab.datapath.put(strange, lab.mono_ns);
  for (int i = 0; i < 300; ++i) lab.pass(100ms);
  EXPECT_TRUE(lab.engine.bans().all().contains(prefix("203.0.113.77")));
  EXPECT_FALSE(lab.exempt("192.0.2.66"));
}

TEST(engine_bans, limits_are_logged_and_a_flood_of_them_is_summarised) {
  EngineLab lab(game_config());
  fw_event event = game_flood();
  event.kind = FW_EVENT_LIMIT;
  event.prefix_bits = 128;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    event.src = key_of(Address::v4(0x0a00'0000 + i));
    lab.datapath.events.push_back(event);
  }
  lab.pass(100ms);
  EXPECT_EQ(lab.log()[1],
            "INFO Limit 10.0.0.0 rule=game proto=udp dport=27015 pps=12400 limit=2000 window=1s");
  lab.pass(1s);
  EXPECT_EQ(lab.last("Suppressed"), "WARNING Suppressed count=800 type=Limit");
}

}  // namespace
}  // namespace fw::test
