// SPDX-License-Identifier: MIT
// The replies to every verb, the mode, and changes of the configuration.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "harness/engine_lab.hpp"
#include "harness/packet.hpp"

namespace fw::test {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

Json answer_about(EngineLab& lab, const std::string& address) {
  const auto reply = lab.run("why", {address});
  return reply ? (*reply)["answers"][0] : Json();
}

std::string line_of(const Json& answer, const std::string& key) {
  for (const Json& line : answer["lines"])
    if (line[0] == key) return line[1];
  return "";
}

TEST(engine_commands, status_says_what_protects_and_since_when) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"10.0.0.1"}, {{"for", "60s"}}));
  lab.datapath.counts.packets[FW_REASON_PASS] = 90;
  lab.datapath.counts.packets[FW_REASON_BAN] = 10;
  lab.datapath.counts.bytes[FW_REASON_BAN] = 640;
  lab.datapath.counts.class_packets[FW_CLASS_TCP_SYN] = 100;
  lab.pass(90s);
  const auto reply = lab.run("status");
  ASSERT_TRUE(reply);
  const Json& status = *reply;
  EXPECT_EQ(status["mode"], "enforce");
  EXPECT_EQ(status["since"], "2026-05-01T12:00:00.000Z");
  EXPECT_EQ(status["uptime_s"], 90);
  EXPECT_EQ(status["datapath"], "fake");
  EXPECT_TRUE(status["healthy"].get<bool>());
  EXPECT_EQ(status["interfaces"][0]["name"], "up0");
  EXPECT_EQ(status["interfaces"][0]["attachment"], "native");
  EXPECT_EQ(status["counts"]["bans"], 0) << "60 s are over";
  EXPECT_EQ(status["traffic"]["packets"], 100);
  EXPECT_EQ(status["traffic"]["dropped_packets"], 10);
  EXPECT_EQ(status["traffic"]["reasons"]["ban"]["bytes"], 640);
  EXPECT_EQ(status["traffic"]["classes"]["tcp_syn"]["packets"], 100);
  EXPECT_EQ(status["tables"]["bans"]["capacity"], 131'072);
}

TEST(engine_commands, alert_wants_the_word_test_and_says_what_targets_answered) {
  EngineLab lab;
  const auto tested = lab.run("alert", {"test", "oncall"});
  ASSERT_TRUE(tested) << tested.error().message;
  EXPECT_EQ((*tested)["message"], "oncall: delivered");
  const auto other = lab.run("alert", {"oncall"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::usage);
  EXPECT_NE(other.error().message.find("floodwall alert test [NAME]"), std::string::npos);
}

TEST(engine_commands, status_names_every_problem) {
  EngineLab lab;
  lab.pass(100ms);
  EXPECT_EQ(lab.last("Attach"), "NOTICE Attach interface=up0 attachment=native");
  lab.datapath.statuses = {{.name = "up0",
                            .attachment = datapath::Attachment::none,
                            .egress = false,
                            .problem = "the interface is gone"}};
  lab.pass(100ms);
  const auto reply = lab.run("status");
  ASSERT_TRUE(reply);
  EXPECT_FALSE((*reply)["healthy"].get<bool>());
  EXPECT_EQ((*reply)["problems"][0], "up0: the interface is gone");
  EXPECT_EQ(lab.last("Detach"), "WARNING Detach interface=up0 problem=\"the interface is gone\"");
}

TEST(engine_commands, list_shows_what_was_asked_for) {
  EngineLab lab;
  lab.folder.write("deny.list", "198.51.100.0/24 # scanners\n");
  ASSERT_TRUE(lab.engine.load_lists(lab.now()));
  ASSERT_TRUE(lab.run("ban", {"10.0.0.1"}, {{"for", "1h"}, {"reason", "abuse"}}));
  ASSERT_TRUE(lab.run("allow", {"10.0.0.2"}, {{"for", "8h"}}));
  const auto all = lab.run("list");
  ASSERT_TRUE(all);
  const Json& ban = (*all)["bans"][0];
  EXPECT_EQ(ban["address"], "10.0.0.1");
  EXPECT_EQ(ban["until"], "2026-05-01T13:00:00.000Z");
  EXPECT_EQ(ban["left_s"], 3600);
  EXPECT_EQ(ban["by"], "operator");
  EXPECT_EQ(ban["reason"], "abuse");
  EXPECT_EQ((*all)["deny"][0], (Json{{"entry", "198.51.100.0/24"},
                                     {"file", "deny.list"},
                                     {"line", 1},
                                     {"comment", "scanners"}}));
  EXPECT_EQ((*all)["allow"][0]["until"], "2026-05-01T20:00:00.000Z");
  EXPECT_TRUE((*all)["signatures"].empty());
  const auto bans = lab.run("list", {"bans"});
  ASSERT_TRUE(bans);
  EXPECT_EQ(bans->size(), 1);
}

TEST(engine_commands, a_long_deny_list_is_truncated_and_says_by_how_much) {
  EngineLab lab;
  std::string text;
  for (std::uint32_t i = 0; i < 10'500; ++i) text += Address::v4(0x0b00'0000 + i).text() + "\n";
  lab.folder.write("deny.list", text);
  ASSERT_TRUE(lab.engine.load_lists(lab.now()));
  const auto reply = lab.run("list", {"deny"});
  ASSERT_TRUE(reply);
  EXPECT_EQ((*reply)["deny"].size(), 10'000);
  EXPECT_EQ((*reply)["truncated"]["deny"], 500);
}

TEST(engine_commands, why_explains_a_ban_by_a_limit) {
  EngineLab lab(game_config());
  lab.datapath.ban(prefix("203.0.113.77"), lab.mono_ns, 60'000, game_flood());
  lab.pass(13s);
  const Json answer = answer_about(lab, "203.0.113.77");
  EXPECT_EQ(answer["verdict"], "drop");
  EXPECT_EQ(answer["reason"], "ban");
  EXPECT_EQ(answer["headline"], "BANNED until 12:01:00 UTC (47 s left), first offence");
  EXPECT_EQ(line_of(answer, "rule"), "service \"game\", udp/27015, ban above 2,000 pkt/s over 1 s");
  EXPECT_EQ(line_of(answer, "measured"), "12,400 pkt/s at 12:00:00 UTC");
  EXPECT_EQ(line_of(answer, "history"), "one offence in 1d");
  EXPECT_EQ(answer["remedies"][0], "lift it: floodwall unban 203.0.113.77");
  EXPECT_EQ(answer["remedies"][1], "keep it off: floodwall allow 203.0.113.77");
}

TEST(engine_commands, why_answers_in_the_order_of_the_datapath) {
  EngineLab lab;
  lab.folder.write("deny.list", "10.0.0.0/8\n");
  lab.folder.write("allow.list", "10.1.0.0/16\n");
  ASSERT_TRUE(lab.engine.load_lists(lab.now()));
  ASSERT_TRUE(lab.engine.set_exemptions(
      std::vector<engine::Exemption>{{Address::parse("10.1.0.1").value(), "default gateway"}},
      lab.now()));
  ASSERT_TRUE(lab.run("ban", {"192.0.2.0/24"}));
  const struct {
    std::string address, verdict, headline;
  } cases[] = {
      {"10.1.0.1", "pass", "EXEMPT: your default gateway (automatic exemption)"},
      {"10.1.0.2", "pass", "ALLOWED by 10.1.0.0/16 (allow.list:1)"},
      {"10.2.0.1", "drop", "DENIED by 10.0.0.0/8 (deny.list:1)"},
      {"192.0.2.8", "drop", "BANNED until it is unbanned, by the operator"},
      {"192.0.3.8", "pass",
       "NOT BLOCKED: nothing speaks against it but the limits that hold for all"},
  };
  for (const auto& [address, verdict, headline] : cases) {
    const Json answer = answer_about(lab, address);
    EXPECT_EQ(answer["verdict"], verdict) << address;
    EXPECT_EQ(answer["headline"], headline);
  }
  ASSERT_TRUE(lab.run("mode", {"observe"}));
  const Json answer = answer_about(lab, "10.2.0.1");
  EXPECT_EQ(answer["verdict"], "pass");
  EXPECT_EQ(answer["reason"], "deny");
  EXPECT_EQ(line_of(answer, "note"), "mode is observe: nothing is dropped now");
}

TEST(engine_commands, a_command_sees_a_ban_that_was_made_a_moment_ago) {
  EngineLab lab(game_config());
  lab.datapath.ban(prefix("203.0.113.77"), lab.mono_ns, 60'000, game_flood());
  ASSERT_TRUE(lab.run("unban", {"203.0.113.77"}));
  lab.pass(100ms);
  EXPECT_FALSE(lab.banned("203.0.113.77"));
  EXPECT_EQ(lab.engine.bans().all().size(), 0);
}

TEST(engine_commands, mode_off_and_back_keeps_every_ban_list_and_exemption) {
  EngineLab lab;
  lab.folder.write("deny.list", "198.51.100.0/24\n");
  ASSERT_TRUE(lab.engine.load_lists(lab.now()));
  ASSERT_TRUE(lab.engine.set_exemptions(
      std::vector<engine::Exemption>{{Address::parse("203.0.113.1").value(), "default gateway"}},
      lab.now()));
  ASSERT_TRUE(lab.run("ban", {"10.0.0.0/24"}, {{"for", "1h"}}));
  ASSERT_TRUE(lab.run("allow", {"10.5.0.0/16"}, {{"for", "1h"}}));

  const auto off = lab.run("mode", {"off"});
  ASSERT_TRUE(off);
  EXPECT_EQ((*off)["mode"], "off");
  EXPECT_FALSE((*lab.run("status"))["healthy"].get<bool>());
  ASSERT_TRUE(lab.run("ban", {"10.0.1.1"}, {{"for", "1h"}})) << "the engine goes on";
  lab.pass(10s);

  ASSERT_TRUE(lab.run("mode", {"enforce"}));
  EXPECT_EQ(lab.datapath.config().mode, FW_MODE_ENFORCE);
  EXPECT_TRUE(lab.banned("10.0.0.0/24"));
  EXPECT_TRUE(lab.banned("10.0.1.1"));
  EXPECT_TRUE(lab.allowed("10.5.0.0/16"));
  EXPECT_TRUE(lab.exempt("203.0.113.1"));
  EXPECT_EQ(lab.datapath.config().lengths_v4, 3);
  EXPECT_EQ(lab.datapath.listed(Address::parse("198.51.100.1").value()), FW_LIST_DENY);
  EXPECT_EQ(lab.last("Mode"), "NOTICE Mode mode=enforce was=off");
}

TEST(engine_commands, why_says_what_a_source_sends_now_and_what_it_is_held_against) {
  config::Config config;
  config.limit_default = {};
  config.limit_default[FW_METRIC_PACKETS].ban_at = 20'000;
  config.limit_default[FW_METRIC_SYN].limit = 200;
  config.limit_default[FW_METRIC_SYN].ban_at = 1000;
  EngineLab lab(config);
  lab.mono_ns = 1000ULL << FW_WINDOW_SHIFT;
  const auto send = [&](const Packet& packet) {
    const Bytes frame = packet.bytes();
    EXPECT_EQ(lab.datapath.decide(frame, lab.mono_ns).verdict, FW_PASS);
  };
  const Packet from = Packet::ethernet().ipv6("2001:db8:5::1", "2001:db8::7");
  for (int i = 0; i < 100; ++i) send(from.udp(1234, 9).payload(38));  // 100 bytes on the wire
  for (int i = 0; i < 50; ++i) send(from.tcp(i + 1U, 80).syn());
  lab.mono_ns += 1;
  const Json answer = answer_about(lab, "2001:db8:5::9");
  EXPECT_EQ(line_of(answer, "now"),
            "140 pkt/s (ban at 20,000), 14.2 kB/s, 47 SYN/s (limit 200, ban at 1,000), 93 unasked "
            "UDP pkt/s");
  ASSERT_EQ(answer["meters"].size(), 1U);
  const Json& meter = answer["meters"][0];
  EXPECT_EQ(meter["rule"], "default");
  EXPECT_FALSE(meter["verified"].get<bool>());
  EXPECT_EQ(meter["rates"]["syn"], (Json{{"per_s", 47}, {"limit", 200.0}, {"ban_at", 1000.0}}));
  EXPECT_EQ(meter["rates"]["icmp"], (Json{{"per_s", 0}}));
  EXPECT_TRUE(answer_about(lab, "2001:db8:6::1")["meters"].empty());
  EXPECT_TRUE(answer_about(lab, "2001:db8::/32")["meters"].empty());
  lab.mono_ns += 2ULL << FW_WINDOW_SHIFT;
  EXPECT_EQ(line_of(answer_about(lab, "2001:db8:5::9"), "now"), "");
}

TEST(engine_commands, why_says_that_a_banned_source_goes_on_flooding) {
  EngineLab lab(game_config());
  lab.mono_ns = 1000ULL << FW_WINDOW_SHIFT;
  lab.datapath.ban(prefix("203.0.113.77"), lab.mono_ns, 60'000, game_flood());
  lab.engine.tick(lab.now());
  const Bytes frame =
      Packet::ethernet().ipv4("203.0.113.77", "198.51.100.7").udp(1, 27015).payload(20).bytes();
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(lab.datapath.decide(frame, lab.mono_ns).reason, FW_REASON_BAN);
    lab.mono_ns += kMillisecond;
  }
  const Json answer = answer_about(lab, "203.0.113.77");
  // 500 in the window of 1.07 s, but for the last of them that are not yet added up.
  EXPECT_NEAR(std::stoi(line_of(answer, "now")), 460, 6) << line_of(answer, "now");
  EXPECT_TRUE(line_of(answer, "now").ends_with(" pkt/s"));
  EXPECT_TRUE(answer["meters"].empty()) << "it is judged before the meters";
  lab.mono_ns += 3 * kSecond;
  EXPECT_EQ(line_of(answer_about(lab, "203.0.113.77"), "now"), "");
}

TEST(engine_commands, status_says_that_clients_go_on_but_no_reply_to_them_is_seen) {
  EngineLab lab;
  const auto problems = [&] {
    lab.pass(100ms);
    return (*lab.run("status"))["problems"];
  };
  EXPECT_TRUE(problems().empty()) << "nobody has come yet";
  lab.datapath.counts.class_answered[FW_CLASS_TCP_SYN] = 1;
  ASSERT_EQ(problems().size(), 1U);
  EXPECT_NE(problems()[0].get<std::string>().find("clients go on as if answered"),
            std::string::npos);
  lab.datapath.tables().shared->egress_seen = 1;
  EXPECT_TRUE(problems().empty());
}

TEST(engine_commands, an_interface_that_refuses_us_is_shown_as_unprotected) {
  EngineLab lab;
  lab.engine.set_unprotected({{.name = "up1", .problem = "taken"}});
  lab.pass(100ms);
  const Json interfaces = (*lab.run("status"))["interfaces"];
  ASSERT_EQ(interfaces.size(), 2U);
  EXPECT_EQ(interfaces[1]["name"], "up1");
  EXPECT_EQ(interfaces[1]["attachment"], "none");
  EXPECT_EQ(lab.last("Detach"), "WARNING Detach interface=up1 problem=taken");
  lab.engine.set_unprotected({});
  lab.datapath.statuses.push_back(
      {.name = "up1", .attachment = datapath::Attachment::native, .egress = true, .problem = ""});
  lab.pass(100ms);
  EXPECT_EQ(lab.last("Attach"), "NOTICE Attach interface=up1 attachment=native");
}

TEST(engine_commands, mode_stays_off_when_the_interfaces_cannot_be_attached) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("mode", {"off"}));
  lab.attach_error = Error{.kind = ErrorKind::failed, .message = "up0: another program is there"};
  const auto result = lab.run("mode", {"enforce"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "up0: another program is there");
  EXPECT_EQ(lab.engine.mode(), engine::Mode::off);
}

TEST(engine_commands, enforcing_what_would_cut_something_off_wants_force) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("mode", {"observe"}));
  lab.objections = {"every log-in to sshd (port 22) would be cut off: floodwall.toml:4"};
  const auto refused = lab.run("mode", {"enforce"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::refused);
  EXPECT_NE(refused.error().message.find("floodwall.toml:4"), std::string::npos);
  EXPECT_NE(refused.error().message.find("--force"), std::string::npos);
  EXPECT_EQ(lab.engine.mode(), engine::Mode::observe);
  EXPECT_TRUE(lab.run("mode", {"enforce"}, {{"force", ""}}));
  EXPECT_EQ(lab.engine.mode(), engine::Mode::enforce);
  EXPECT_TRUE(lab.run("mode", {"enforce"})) << "it is in force already";
}

TEST(engine_commands, apply_takes_over_what_is_on_disk_and_says_what_changed) {
  EngineLab lab;
  lab.folder.write("floodwall.toml", "mode = \"observe\"\n");
  lab.folder.write("deny.list", "198.51.100.0/24\n");
  const auto reply = lab.run("apply");
  ASSERT_TRUE(reply);
  EXPECT_EQ((*reply)["changes"], (Json{"mode enforce -> observe", "deny entries 0 -> 1"}));
  EXPECT_EQ(lab.engine.mode(), engine::Mode::observe);
  EXPECT_EQ(lab.datapath.config().mode, FW_MODE_OBSERVE);
  EXPECT_EQ(lab.reconfigured, 1);
}

TEST(engine_commands, a_bad_configuration_leaves_the_old_one_in_force) {
  EngineLab lab;
  lab.folder.write("floodwall.toml", "mode = \"obsrve\"\n");
  const int publishes = lab.datapath.publishes;
  const auto reply = lab.run("apply");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::invalid_config);
  EXPECT_EQ(lab.datapath.publishes, publishes);
  EXPECT_EQ(lab.reconfigured, 0);
  EXPECT_TRUE(lab.last("ReloadFailed").starts_with("ERROR ReloadFailed what=config error="));
  EXPECT_FALSE(lab.run("check"));
  lab.folder.write("floodwall.toml", "mode = \"enforce\"\n");
  EXPECT_TRUE(lab.run("check"));
}

TEST(engine_commands, settings_fixed_at_start_are_refused_and_nothing_is_applied) {
  EngineLab lab;
  config::Config next;
  next.mode = config::Mode::observe;
  next.tables.bans *= 2;
  const auto result = lab.engine.apply(next, lab.now());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::refused);
  EXPECT_TRUE(result.error().message.starts_with("tables.bans 131072 -> 262144: fixed"));
  EXPECT_EQ(lab.engine.mode(), engine::Mode::enforce);
}

TEST(engine_commands, a_failed_publish_leaves_the_old_configuration_in_force) {
  EngineLab lab;
  config::Config next = game_config();
  next.mode = config::Mode::observe;
  lab.datapath.publish_error = Error{.kind = ErrorKind::failed, .message = "no memory"};
  EXPECT_FALSE(lab.engine.apply(next, lab.now()));
  EXPECT_EQ(lab.engine.mode(), engine::Mode::enforce);
  ASSERT_TRUE(lab.run("ban", {"10.0.0.0/24"})) << "a later publish has the old rules";
  EXPECT_EQ(lab.datapath.config().mode, FW_MODE_ENFORCE);
  EXPECT_TRUE(lab.engine.settings().config.services.empty());
}

TEST(engine_commands, why_never_says_not_blocked_of_what_is_lost) {
  config::Config config = game_config();
  config.services[0].action = config::Action::drop;
  EngineLab lab(config);
  lab.pass(100ms);
  const auto why = [&](const std::string& port) {
    return lab.run("why", {"192.0.2.9"}, {{"port", port}}).value()["answers"][0];
  };
  EXPECT_EQ(why("udp/27015")["headline"], "CLOSED: udp/27015 is dropped, by service \"game\"");
  EXPECT_TRUE(why("udp/27015")["loses"].get<bool>());
  EXPECT_TRUE(why("tcp/80")["headline"].get<std::string>().starts_with("NOT BLOCKED: nothing"));
  EXPECT_FALSE(lab.run("why", {"192.0.2.9"}, {{"port", "http"}}));

  // Its packets are refused by a budget.
  fw_sample sample{};
  sample.packet.src = key_of(Address::parse("192.0.2.9").value());
  sample.packet.proto = FW_IPPROTO_UDP;
  sample.packet.dport = 9;
  sample.kind = FW_SAMPLE_REFUSED;
  sample.reason = FW_REASON_BUDGET;
  sample.traffic_class = FW_CLASS_UDP_NEW;
  for (int i = 0; i < 10; ++i) {
    lab.datapath.counts.packets[FW_REASON_BUDGET] += 100;
    lab.datapath.samples.push_back(sample);
    lab.pass(100ms);
  }
  const Json lost = answer_about(lab, "192.0.2.9");
  EXPECT_TRUE(lost["headline"].get<std::string>().starts_with("LOSES PACKETS: about 1,000/s of "))
      << lost["headline"];
  EXPECT_TRUE(lost["loses"].get<bool>());
  const auto heavy = lab.run("list", {"sources"}, {{"by", "dropped"}}).value();
  EXPECT_EQ(heavy["sources"][0]["source"], "192.0.2.9");
  EXPECT_EQ(heavy["sources"][0]["word"], "budget");
  EXPECT_EQ(lab.run("list", {"ports"}).value()["ports"][0]["port"], "udp/9");
  EXPECT_FALSE(lab.run("list", {"bans"}, {{"by", "dropped"}}));
  EXPECT_FALSE(lab.run("list", {"ports"}, {{"by", "bytes"}}));

  lab.datapath.statuses.clear();
  EXPECT_EQ(answer_about(lab, "192.0.2.1")["headline"],
            "NOT FILTERED: nothing is attached to any interface");
  ASSERT_TRUE(lab.run("mode", {"off"}));
  EXPECT_EQ(answer_about(lab, "192.0.2.1")["headline"],
            "NOT FILTERED: mode is off, so nothing is attached");
}

TEST(engine_commands, events_are_followed_by_id) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"10.0.0.1"}));
  const auto first = lab.run("events");
  ASSERT_TRUE(first);
  const std::uint64_t next = (*first)["next"];
  EXPECT_EQ((*first)["events"].back()["event_type"], "Ban");
  ASSERT_TRUE(lab.run("unban", {"10.0.0.1"}));
  const auto second = lab.run("events", {}, {{"after", std::to_string(next)}});
  ASSERT_TRUE(second);
  ASSERT_EQ((*second)["events"].size(), 1);
  EXPECT_EQ((*second)["events"][0]["text"],
            "2026-05-01T12:00:00.000Z NOTICE Unban 10.0.0.1 reason=operator dropped=0");
  const auto restarted = lab.run("events", {}, {{"after", "99999"}});
  ASSERT_TRUE(restarted);
  EXPECT_EQ((*restarted)["events"].size(), (*second)["next"].get<std::size_t>());
  const auto newest = lab.run("events", {}, {{"limit", "1"}});
  ASSERT_TRUE(newest);
  EXPECT_EQ((*newest)["events"][0]["event_type"], "Unban");
}

TEST(engine_commands, events_since_a_while_ago) {
  EngineLab lab;
  lab.pass(100ms);
  ASSERT_TRUE(lab.run("ban", {"10.0.0.1"}, {{"for", "1h"}}));
  lab.pass(30min);
  ASSERT_TRUE(lab.run("ban", {"10.0.0.2"}, {{"for", "1h"}}));
  const auto reply = lab.run("events", {}, {{"since", "10m"}});
  ASSERT_TRUE(reply);
  ASSERT_EQ((*reply)["events"].size(), 1);
  EXPECT_EQ((*reply)["events"][0]["src_ip"], "10.0.0.2");
}

TEST(engine_commands, events_are_chosen_by_address_type_and_time) {
  EngineLab lab;
  lab.wall += 3h;  // 15:00
  ASSERT_TRUE(lab.run("ban", {"10.0.0.1", "10.0.0.0/24", "10.0.1.1", "2001:db8::/64"}));
  lab.pass(30min);
  ASSERT_TRUE(lab.run("unban", {"10.0.0.1", "10.0.1.1"}, {}).error().kind == ErrorKind::refused);
  ASSERT_TRUE(lab.run("unban", {"10.0.1.1"}));
  const auto texts = [&](EngineLab::Options options) {
    std::string out;
    const auto reply = lab.run("events", {}, std::move(options));
    if (!reply) return reply.error().message;
    for (const Json& event : (*reply)["events"])
      out += event["event_type"].get<std::string>() + " " + event.value("src_ip", "") + ";";
    return out;
  };
  EXPECT_EQ(texts({{"address", "10.0.0.1"}}), "Ban 10.0.0.1;Ban 10.0.0.0/24;");
  EXPECT_EQ(texts({{"address", "10.0.0.0/23"}, {"type", "ban"}}),
            "Ban 10.0.0.1;Ban 10.0.0.0/24;Ban 10.0.1.1;");
  EXPECT_EQ(texts({{"type", "Unban,Scan"}}), "Unban 10.0.1.1;");
  EXPECT_EQ(texts({{"from", "15:10"}, {"type", "unban,ban"}}), "Unban 10.0.1.1;");
  EXPECT_EQ(texts({{"until", "2026-05-01T15:00:00.001Z"}, {"address", "::/0"}}),
            "Ban 10.0.0.1;Ban 10.0.0.0/24;Ban 10.0.1.1;Ban 2001:db8::/64;");
  EXPECT_EQ(texts({{"from", "16:00"}, {"until", "2026-05-01"}}), "") << "16:00 was yesterday";
  EXPECT_EQ(texts({{"type", "Bann"}}), "no event type \"Bann\": did you mean \"Ban\"?");
  EXPECT_EQ(texts({{"from", "noon"}}),
            "\"noon\" is no time: write 03:15, 2026-05-01 or 2026-05-01T03:15:00Z, in UTC");
  const auto one = lab.run("events", {}, {{"type", "Ban"}, {"limit", "1"}});
  EXPECT_EQ((*one)["left_out"], 3);
}

TEST(engine_commands, a_limit_event_shows_what_broke_the_limit) {
  EngineLab lab;
  lab.pass(100ms);
  fw_event event{};
  event.kind = FW_EVENT_LIMIT;
  event.src = key_of(Address::parse("192.0.2.9").value());
  event.prefix_bits = 128;
  event.proto = FW_IPPROTO_TCP;
  event.dport = 80;
  event.metric = FW_METRIC_SYN;
  event.limit = 268;  // 250/s in 2^30 ns
  event.value = 300;
  lab.datapath.events.push_back(event);
  event.value = 261;  // all at once: the rate was not broken
  lab.datapath.events.push_back(event);
  lab.pass(100ms);
  ASSERT_GE(lab.log().size(), 2U);
  const auto log = lab.log();
  EXPECT_EQ(log[log.size() - 2],
            "INFO Limit 192.0.2.9 rule=default proto=tcp dport=80 measure=syn pps=279 limit=250 "
            "window=1s");
  EXPECT_EQ(log.back(),
            "INFO Limit 192.0.2.9 rule=default proto=tcp dport=80 measure=syn at_once=251 "
            "burst=250 limit=250 window=1s");
}

TEST(engine_commands, dropped_packets_are_summarised_once_a_minute_if_there_were_any) {
  EngineLab lab;
  lab.pass(61s);
  EXPECT_EQ(lab.last("Dropped"), "");
  lab.datapath.counts.packets[FW_REASON_BAN] = 400;
  lab.datapath.counts.packets[FW_REASON_DENY] = 12;
  lab.datapath.counts.packets[FW_REASON_PASS] = 1000;
  lab.datapath.counts.bytes[FW_REASON_BAN] = 24'000;
  lab.pass(10s);
  EXPECT_EQ(lab.last("Dropped"), "");
  lab.pass(51s);
  EXPECT_EQ(lab.last("Dropped"), "INFO Dropped packets=412 bytes=24000 deny=12 ban=400");
}

TEST(engine_commands, options_that_exclude_each_other_are_a_usage_error) {
  EngineLab lab;
  for (const auto& result : {lab.run("ban", {"10.0.0.1"}, {{"for", "1h"}, {"forever", ""}}),
                             lab.run("unban", {}), lab.run("unban", {"10.0.0.1"}, {{"all", ""}})}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::usage);
  }
}

}  // namespace
}  // namespace fw::test
