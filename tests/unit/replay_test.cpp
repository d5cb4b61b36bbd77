// SPDX-License-Identifier: MIT
// A capture written by the harness, replayed as a user would.
#include "replay/replay.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "harness/capture.hpp"
#include "replay/capture_clock.hpp"
#include "replay/verdict_file.hpp"

namespace {

using fw::replay::CaptureClock;
using fw::replay::Job;
using fw::replay::Outcome;
using fw::replay::Report;
using fw::test::CaptureFile;
using fw::test::kSecond;
using fw::test::Packet;
using fw::test::TemporaryFolder;

constexpr const char* kHost = "192.0.2.1";

Packet syn(const std::string& from) {
  return Packet::ethernet().ipv4(from, kHost).tcp(40000, 80).syn();
}

struct Lab {
  TemporaryFolder folder;
  CaptureFile capture{folder.path() / "test.pcap"};

  Report replay(const std::string& config = "") {
    capture.close();
    Job job;
    job.file = capture.path();
    job.protect = {fw::Address::parse(kHost).value()};
    job.verdicts = folder.path() / "verdicts.tsv";
    if (!config.empty()) {
      folder.write("floodwall.toml", config);
      job.config = folder.path() / "floodwall.toml";
    }
    return fw::replay::replay(job, {}).value();
  }
  std::vector<std::string> verdicts() const {
    std::istringstream text(folder.read("verdicts.tsv"));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
};

TEST(ReplayClock, stays_put_when_time_steps_back_and_keeps_gaps) {
  CaptureClock clock(100 * kSecond);
  EXPECT_EQ(clock.advance_to(100 * kSecond), CaptureClock::kStartNs);
  EXPECT_EQ(clock.advance_to(101 * kSecond), CaptureClock::kStartNs + kSecond);
  EXPECT_EQ(clock.advance_to(7), CaptureClock::kStartNs + kSecond);
  const std::uint64_t decade = 315'360'000 * kSecond;
  EXPECT_EQ(clock.advance_to(100 * kSecond + decade), CaptureClock::kStartNs + decade);
}

TEST(ReplayClock, survives_any_time_stamp) {
  CaptureClock clock(~0ULL);
  EXPECT_EQ(clock.advance_to(0), CaptureClock::kStartNs);
  CaptureClock other(0);
  EXPECT_LT(other.advance_to(~0ULL), std::uint64_t{1} << 63);
  EXPECT_GT(other.now().wall.time_since_epoch().count(), 0);
}

TEST(ReplayVerdicts, are_numbered_in_file_order_across_powers_of_ten) {
  const TemporaryFolder folder;
  auto file = fw::replay::VerdictFile::create(folder.path() / "v").value();
  for (int i = 0; i < 1001; ++i) file.add(Outcome{});
  ASSERT_TRUE(file.close());
  const std::string text = folder.read("v");
  EXPECT_TRUE(text.starts_with("0\tpass\tnot_ours\n1\tpass\tnot_ours\n"));
  EXPECT_NE(text.find("\n9\tpass\tnot_ours\n10\tpass"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\n999\tpass\tnot_ours\n1000\tpass\tnot_ours\n"));
}

TEST(Replay, says_of_each_packet_which_way_it_went) {
  Lab lab;
  lab.capture.add(0, syn("198.51.100.7"));
  lab.capture.add(1, Packet::ethernet().ipv4(kHost, "198.51.100.7").tcp(80, 40000).syn().ack(1));
  lab.capture.add(2, Packet::ethernet().ipv4("198.51.100.7", "203.0.113.9").udp(1, 2).payload(9));
  lab.capture.add(3, Packet::ethernet().ipv4(kHost, kHost).udp(1, 2).payload(9));
  static_cast<void>(lab.replay());
  EXPECT_EQ(lab.verdicts(), (std::vector<std::string>{"0\tpass\tpass", "1\tpass\toutgoing",
                                                      "2\tpass\tnot_ours", "3\tdrop\tspoofed"}));
}

TEST(Replay, peer_that_completes_the_handshake_is_verified) {
  Lab lab;
  lab.capture.add(0, syn("198.51.100.7").seq(10));
  lab.capture.add(
      1, Packet::ethernet().ipv4(kHost, "198.51.100.7").tcp(80, 40000).syn().seq(500).ack(11));
  lab.capture.add(2,
                  Packet::ethernet().ipv4("198.51.100.7", kHost).tcp(40000, 80).seq(11).ack(501));
  static_cast<void>(lab.replay());
  EXPECT_EQ(lab.verdicts().at(2), "2\tpass\tverified");
}

TEST(Replay, flood_is_reported_with_time_value_and_limit) {
  Lab lab;
  for (std::uint64_t i = 0; i < 10'000; ++i)
    lab.capture.add(i * kSecond / 2000, syn("203.0.113.77"));
  const Report report = lab.replay();
  EXPECT_EQ(report.timeline.count(fw::engine::EventType::restricted), 1U);
  EXPECT_GT(report.tally.all_dropped().packets, 9000U);
  const auto top = report.tally.sources().top(1);
  ASSERT_EQ(top.size(), 1U);
  EXPECT_EQ(top[0].source.text(), "203.0.113.77");
  EXPECT_EQ(top[0].packets, report.tally.all_dropped().packets);
  const std::string text = to_text(report, {});
  EXPECT_NE(text.find("Restrict 203.0.113.77 for=60s rule=default proto=tcp dport=80 measure=syn"),
            std::string::npos)
      << text;
  EXPECT_EQ(to_json(report).at("sources").at(0).at("address"), "203.0.113.77");
}

// A crowd of forged sources floods a port that answers; then a client connects.
Report replay_a_crowd(Lab& lab, const std::string& config = "") {
  const auto client = Packet::ethernet().ipv4("198.51.100.7", kHost);
  const auto host = Packet::ethernet().ipv4(kHost, "198.51.100.7");
  lab.capture.add(0, client.tcp(40000, 80).syn().seq(10));
  lab.capture.add(1, host.tcp(80, 40000).syn().seq(500).ack(11));
  for (std::uint32_t i = 0; i < 5000; ++i)
    lab.capture.add(2 + i * kSecond / 5000,
                    syn(fmt::format("203.{}.113.{}", i / 250, i % 250 + 1)).seq(17 * i));
  const auto late = Packet::ethernet().ipv4("198.51.100.8", kHost).tcp(40000, 80);
  lab.capture.add(2 + kSecond, late.syn().seq(10));
  lab.capture.add(
      3 + kSecond,
      Packet::ethernet().ipv4(kHost, "198.51.100.8").tcp(80, 40000).syn().seq(900).ack(11));
  lab.capture.add(4 + kSecond, late.seq(11).ack(901));
  return lab.replay(config);
}

TEST(Replay, syn_above_its_budget_counts_as_answered_by_a_syn_cookie) {
  Lab lab;
  const Report report = replay_a_crowd(lab);
  EXPECT_GT(report.tally.challenged().packets, 4000U);
  EXPECT_EQ(report.tally.dropped(FW_REASON_BUDGET).packets, 0U);
  EXPECT_EQ(lab.verdicts().at(5002), "5002\tdrop\tchallenge");
  EXPECT_EQ(lab.verdicts().at(5004), "5004\tpass\tverified") << "its client gets in";
  const auto top = report.tally.sources().top(1);
  ASSERT_EQ(top.size(), 1U);
  EXPECT_EQ(top[0].answered, top[0].packets) << "none of them lost";
  const auto json = to_json(report);
  EXPECT_EQ(json.at("challenged").at("packets"), report.tally.challenged().packets);
  EXPECT_EQ(json.at("dropped").at("packets"), report.tally.all_dropped().packets);
  EXPECT_NE(to_text(report, {}).find("of these answered (SYN cookies)"), std::string::npos);
}

TEST(Replay, without_syn_cookies_in_the_configuration_they_are_dropped) {
  Lab lab;
  const Report report =
      replay_a_crowd(lab, "[detect]\nsyn_cookies = false\n[lists]\nallow = []\ndeny = []\n");
  EXPECT_EQ(report.tally.challenged().packets, 0U);
  EXPECT_GT(report.tally.all_dropped().packets, 4000U);
  EXPECT_EQ(to_text(report, {}).find("SYN cookies"), std::string::npos);
}

TEST(Replay, ban_ends_by_itself_in_a_gap) {
  Lab lab;
  for (std::uint64_t i = 0; i < 10'000; ++i)
    lab.capture.add(i * kSecond / 2000, syn("203.0.113.77"));
  lab.capture.add(3600 * kSecond, syn("203.0.113.77"));
  const Report report = lab.replay();
  EXPECT_EQ(lab.verdicts().back(), "10000\tpass\tpass");
  EXPECT_EQ(report.timeline.count(fw::engine::EventType::unrestricted), 1U);
  const auto& end = report.timeline.events().back().time;
  EXPECT_LT(end - report.clock.at(CaptureClock::kStartNs).wall, std::chrono::seconds(70));
}

TEST(Replay, configuration_in_mode_observe_is_judged_as_if_it_were_enforced) {
  Lab lab;
  lab.folder.write("deny.list", "203.0.113.77\n");
  lab.capture.add(0, syn("203.0.113.77"));
  static_cast<void>(lab.replay("mode = \"observe\"\ninterface = \"auto\"\n"));
  EXPECT_EQ(lab.verdicts(), std::vector<std::string>{"0\tdrop\tdeny"});
}

TEST(Replay, same_capture_gives_the_same_verdicts) {
  Lab lab;
  for (std::uint64_t i = 0; i < 5000; ++i)
    lab.capture.add(i * kSecond / 5000, syn("203.0.113." + std::to_string(i % 9)));
  static_cast<void>(lab.replay());
  const auto first = lab.verdicts();
  static_cast<void>(lab.replay());
  EXPECT_EQ(lab.verdicts(), first);
}

TEST(Replay, file_that_was_cut_is_read_up_to_the_cut) {
  Lab lab;
  lab.capture.add(0, syn("198.51.100.7"));
  lab.capture.add(1, syn("198.51.100.7"));
  lab.capture.close();
  std::filesystem::resize_file(lab.capture.path(),
                               std::filesystem::file_size(lab.capture.path()) - 5);
  const Report report = lab.replay();
  EXPECT_TRUE(report.cut);
  EXPECT_EQ(report.damage, "");
  EXPECT_EQ(report.tally.records(), 1U);
}

TEST(TopSources, finds_the_worst_among_more_than_it_can_hold) {
  fw::replay::TopSources sources;
  const auto drop = [&](std::uint32_t number) {
    sources.add({.drop = true,
                 .reason = FW_REASON_LIMIT,
                 .traffic_class = 0,
                 .len_bytes = 60,
                 .source = fw::Address::v4(number)},
                1);
  };
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    drop(0x0a000000 + i * 7919);
    if (i % 10 == 0) drop(0xcb00714d);
  }
  const auto top = sources.top(1);
  EXPECT_TRUE(sources.forgot());
  EXPECT_EQ(top.at(0).source.text(), "203.0.113.77");
  EXPECT_GE(top.at(0).packets, 10'000U);
}

}  // namespace
