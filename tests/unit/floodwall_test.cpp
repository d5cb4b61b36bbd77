// SPDX-License-Identifier: MIT
// The commands that work without the daemon, as a user would call them.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "floodwall/local.hpp"
#include "harness/capture.hpp"
#include "replay/replay.hpp"

namespace {

using fw::test::CaptureFile;
using fw::test::kSecond;
using fw::test::Packet;
using fw::test::TemporaryFolder;
using nlohmann::json;

constexpr const char* kHost = "192.0.2.1";

struct Done {
  int status = 0;
  std::string out, err;
  std::vector<std::string> asked;  // verbs, of the daemon
};

// No daemon runs if `reply` is an error of kind not_running.
Done run(const std::vector<std::string>& arguments,
         const fw::Result<json>& reply = fw::fail(fw::ErrorKind::not_running, "no daemon")) {
  std::istringstream in;
  std::ostringstream out, err;
  Done done;
  fw::cli::World world{
      .in = in,
      .out = out,
      .err = err,
      .style = {},
      .socket = "/run/x.sock",
      .call =
          [&](const std::filesystem::path&, std::string_view verb, const json&) {
            done.asked.emplace_back(verb);
            return reply;
          },
      .call_list = {},
      .pause = {},
  };
  done.status = fw::cli::run(arguments, fw::local_commands(), world);
  done.out = out.str();
  done.err = err.str();
  return done;
}

// Of whichever host the tests run on: only what the daemon says is made up.
TEST(doctor_command, daemon_that_does_not_run_is_a_finding_and_no_error) {
  const auto down = fw::fail(fw::ErrorKind::not_running, "the daemon is not running (nobody)");
  const Done done = run({"doctor", "--json", "--fail-on", "problem"}, down);
  EXPECT_EQ(done.status, 1);
  EXPECT_EQ(done.err, "");
  EXPECT_EQ(done.asked, std::vector<std::string>{"status"});
  const json report = json::parse(done.out);
  EXPECT_EQ(report["worst"], "problem");
  EXPECT_EQ(report["findings"][0]["check"], "daemon");
}

TEST(doctor_command, status_is_1_exactly_from_the_severity_that_is_asked_for) {
  const json reply{{"mode", "enforce"}, {"problems", json::array()}};
  const std::vector<std::string> order{"ok", "note", "warning", "problem"};
  for (const char* from : {"warning", "problem"}) {
    const Done done = run({"doctor", "--json", "--fail-on", from}, reply);
    const std::string worst = json::parse(done.out)["worst"];
    EXPECT_EQ(done.status, std::ranges::find(order, worst) >= std::ranges::find(order, from))
        << worst;
  }
  EXPECT_EQ(run({"doctor", "--fail-on", "note"}).status, 2);
}

Packet syn(const std::string& from) {
  return Packet::ethernet().ipv4(from, kHost).tcp(40000, 80).syn();
}

// ------------------------------------------------------------------- version, completion

TEST(version, is_told_as_text_and_as_json) {
  EXPECT_TRUE(run({"version"}).out.starts_with("floodwall "));
  EXPECT_TRUE(json::parse(run({"version", "--json"}).out).contains("version"));
}

TEST(completion, of_an_unknown_shell_is_a_usage_error) {
  EXPECT_NE(run({"completion", "zsh"}).out.find("#compdef floodwall"), std::string::npos);
  const Done done = run({"completion", "tcsh"});
  EXPECT_EQ(done.status, 2);
  EXPECT_NE(done.err.find("none of bash, zsh, fish"), std::string::npos) << done.err;
}

// ------------------------------------------------------------------- check

TEST(check, of_a_file_needs_no_daemon) {
  const TemporaryFolder folder;
  folder.write("floodwall.toml", "mode = \"observe\"\n");
  folder.write("deny.list", "203.0.113.7\nnonsense\n");
  const Done good = run({"check", folder.path() / "floodwall.toml"});
  EXPECT_EQ(good.status, 0) << good.err;
  EXPECT_NE(good.out.find("is valid: 0 services, 1 deny"), std::string::npos) << good.out;
  EXPECT_NE(good.out.find("skipped: "), std::string::npos) << good.out;
  EXPECT_TRUE(good.asked.empty());
  folder.write("floodwall.toml", "mode = 3\n");
  const Done bad = run({"check", folder.path() / "floodwall.toml", "--json"});
  EXPECT_EQ(bad.status, 6);
  EXPECT_NE(bad.err.find("floodwall.toml:1"), std::string::npos) << bad.err;
  EXPECT_EQ(json::parse(bad.out).at("error").at("kind"), "invalid_config");
}

TEST(check, without_a_file_is_of_the_configuration_that_the_daemon_runs_with) {
  const Done done = run({"check"}, json{{"valid", true}, {"message", "/x.toml is valid"}});
  EXPECT_EQ(done.status, 0);
  EXPECT_EQ(done.out, "/x.toml is valid\n");
  EXPECT_EQ(run({"check"}, fw::fail(fw::ErrorKind::invalid_config, "x.toml:1: no")).status, 6);
}

// ------------------------------------------------------------------- replay

TEST(replay, exit_status_tells_usage_from_damage) {
  const TemporaryFolder folder;
  folder.write("text", "this is no capture");
  folder.write("bad.toml", "mode = 3\n");
  const std::string text = folder.path() / "text";
  EXPECT_EQ(run({"replay", text}).status, 2);
  EXPECT_EQ(run({"replay", text, "--protect", "192.0.2.300"}).status, 2);
  EXPECT_EQ(run({"replay", text, "--protect", kHost, "--profile", "sead"}).status, 2);
  const Done refused = run({"replay", text, "--protect", kHost});
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("not a capture"), std::string::npos) << refused.err;
  EXPECT_EQ(run({"replay", folder.path() / "none", "--protect", kHost}).status, 1);
  CaptureFile empty(folder.path() / "empty.pcap");
  empty.close();
  EXPECT_EQ(run({"replay", empty.path(), "--protect", "192.0.2.1,2001:db8::1"}).status, 0);
  EXPECT_EQ(
      run({"replay", empty.path(), "--protect", kHost, "--config", folder.path() / "bad.toml"})
          .status,
      6);
}

TEST(replay, damage_ends_with_the_packets_before_it_and_status_1) {
  const TemporaryFolder folder;
  CaptureFile capture(folder.path() / "test.pcap");
  capture.add(0, syn("198.51.100.7"));
  capture.close();
  std::ofstream(capture.path(), std::ios::app) << std::string(64, '\xff');
  const Done done = run({"replay", capture.path(), "--protect", kHost, "--json"});
  EXPECT_EQ(done.status, 1);
  EXPECT_NE(done.err.find("offset"), std::string::npos) << done.err;
  EXPECT_EQ(json::parse(done.out).at("packets"), 1);
}

// ------------------------------------------------------------------- suggest

// 300 packets/s that nobody answers, of a hundred sources, for a minute.
void add_unanswered(CaptureFile& capture) {
  for (unsigned i = 0; i < 60 * 300; i++)
    capture.add(i * (kSecond / 300), Packet::ethernet()
                                         .ipv4("203.0.113." + std::to_string(i % 100 + 1), kHost)
                                         .udp(40000, 514)
                                         .payload(60));
}

TEST(suggest, gives_budgets_for_the_traffic_of_a_capture_that_the_configuration_accepts) {
  const TemporaryFolder folder;
  CaptureFile capture(folder.path() / "test.pcap");
  add_unanswered(capture);
  capture.close();
  const Done made = run({"suggest", capture.path(), "--protect", kHost});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_TRUE(made.asked.empty()) << "a capture needs no daemon";
  const auto config = fw::config::parse(made.out, "suggested.toml");
  ASSERT_TRUE(config) << config.error().message << made.out;
  EXPECT_NEAR(*config->budgets[FW_CLASS_UDP_NEW].limit, 600, 80) << made.out;
  EXPECT_EQ(config->budgets[FW_CLASS_TCP_SYN], fw::config::Config{}.budgets[FW_CLASS_TCP_SYN]);
  EXPECT_NE(made.out.find("That is short"), std::string::npos);

  // And with it the same traffic passes, which the defaults take for a flood.
  const auto dropped = [&](const std::vector<std::string>& options) {
    std::vector<std::string> line{"replay", capture.path(), "--protect", kHost, "--json"};
    line.insert(line.end(), options.begin(), options.end());
    return json::parse(run(line).out).at("dropped").at("packets").get<std::uint64_t>();
  };
  EXPECT_GT(dropped({}), 1000U);
  folder.write("floodwall.toml", made.out + "[lists]\nallow = []\ndeny = []\n");
  EXPECT_EQ(dropped({"--config", folder.path() / "floodwall.toml"}), 0U);
}

TEST(suggest, without_a_capture_asks_the_daemon) {
  const json reply{{"toml", "# of the daemon\n"}, {"seconds", 5}};
  const Done made = run({"suggest"}, reply);
  EXPECT_EQ(made.status, 0);
  EXPECT_EQ(made.asked, std::vector<std::string>{"suggest"});
  EXPECT_EQ(made.out, "# of the daemon\n");
  EXPECT_EQ(json::parse(run({"suggest", "--json"}, reply).out).at("seconds"), 5);
}

TEST(suggest, what_is_not_understood_is_a_usage_error) {
  EXPECT_EQ(run({"suggest", "a.pcap"}).status, 2);
  EXPECT_EQ(run({"suggest", "--protect", kHost}).status, 2);
  EXPECT_EQ(run({"suggest", "a.pcap", "--protect", "x"}).status, 2);
  EXPECT_EQ(run({"suggest", "/nonexistent.pcap", "--protect", kHost}).status, 1);
}

}  // namespace
