// SPDX-License-Identifier: MIT
// What is usual is learned under normal load, raises budgets within bounds, and outlives the
// daemon.
#include "engine/learn/baseline.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <concepts>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

#include "config/config.hpp"
#include "datapath/address_key.hpp"
#include "engine/learn/suggest.hpp"
#include "harness/engine_lab.hpp"

namespace fw::test {
namespace {

using engine::Baseline;
using Load = engine::Baseline::Load;

constexpr std::uint64_t kWindowNs = 1ULL << FW_WINDOW_SHIFT;
constexpr double kWindowSeconds = static_cast<double>(kWindowNs) / 1e9;

fw_budget budget_of(fw_class traffic_class, std::uint16_t port, const char* dst = "198.51.100.7") {
  fw_budget budget{};
  budget.dst = key_of(Address::parse(dst).value());
  budget.traffic_class = static_cast<fw_u8>(traffic_class);
  budget.port = port;
  budget.used = 1;
  return budget;
}

// As the policy leaves it when the window is over and nothing was charged since.
void charge(fw_budget& budget, std::uint64_t now_ns, double per_second, double answered = 0) {
  budget.window = static_cast<fw_u32>(now_ns >> FW_WINDOW_SHIFT);
  budget.taken = static_cast<fw_u32>(std::lround(per_second * kWindowSeconds));
  budget.answered = static_cast<fw_u32>(std::lround(answered * kWindowSeconds));
}

Baseline::Loads all(Load load) {
  Baseline::Loads loads;
  loads.fill(load);
  return loads;
}

// One window after the other, `rate` of each charged to budget 0.
struct Days {
  template <std::invocable Rate>
  void live(std::uint64_t windows, Rate rate, Load load = Load::normal) {
    for (std::uint64_t i = 0; i < windows; i++) {
      charge(budgets[0], now_ns, rate());
      now_ns += kWindowNs;
      baseline.tick(budgets, all(load), now_ns);
    }
  }
  void live(std::uint64_t windows, double rate, Load load = Load::normal) {
    live(windows, [&] { return rate; }, load);
  }

  std::vector<fw_budget> budgets{budget_of(FW_CLASS_UDP_NEW, 53)};
  Baseline baseline;
  std::uint64_t now_ns = 5000 * kWindowNs;
};

TEST(baseline, usual_is_what_all_but_one_second_in_a_thousand_stay_within) {
  Days days;
  std::mt19937 random(1);
  std::uniform_real_distribution<double> rate(1, 1000);
  days.live(40'000, [&] { return rate(random); });
  // 999 of 1000 are below 999; a step is 9 %.
  EXPECT_GE(days.baseline.usual(FW_CLASS_UDP_NEW), 990);
  EXPECT_LE(days.baseline.usual(FW_CLASS_UDP_NEW), 999 * 1.1);
}

TEST(baseline, rare_peak_is_not_usual) {
  Days days;
  unsigned i = 0;
  days.live(20'000, [&] { return ++i % 2000 == 0 ? 900.0 : 10.0; });
  EXPECT_LT(days.baseline.usual(FW_CLASS_UDP_NEW), 12);
}

TEST(baseline, what_was_answered_does_not_count) {
  Days days;
  for (unsigned i = 0; i < 4000; i++) {
    charge(days.budgets[0], days.now_ns, 500, 480);
    days.now_ns += kWindowNs;
    days.baseline.tick(days.budgets, {}, days.now_ns);
  }
  EXPECT_NEAR(days.baseline.usual(FW_CLASS_UDP_NEW), 20, 2.5);
}

TEST(baseline, window_that_the_policy_has_left_behind_is_read_from_what_it_keeps_of_it) {
  Days days;
  for (unsigned i = 0; i < 4000; i++) {
    fw_budget& budget = days.budgets[0];
    days.now_ns += kWindowNs;
    budget.window = static_cast<fw_u32>(days.now_ns >> FW_WINDOW_SHIFT);
    budget.taken_before = 107;  // 100 a second
    budget.taken = 9999;        // of the window that is not over
    days.baseline.tick(days.budgets, {}, days.now_ns);
  }
  EXPECT_NEAR(days.baseline.usual(FW_CLASS_UDP_NEW), 100, 9);
}

TEST(baseline, what_all_addresses_share_counts_half_as_their_budget_is_twice_as_large) {
  Days days;
  days.budgets[0] = budget_of(FW_CLASS_ICMP_ECHO, 0, "::");
  days.live(4000, 200);
  EXPECT_NEAR(days.baseline.usual(FW_CLASS_ICMP_ECHO), 100, 9);
}

TEST(baseline, services_of_all_addresses_together_are_no_port) {
  Days days;
  days.budgets[0] = budget_of(FW_CLASS_UDP_NEW, engine::kAllServices, "::");
  days.live(4000, 200);
  const auto usual = days.baseline.usual_by_port(FW_CLASS_UDP_NEW);
  ASSERT_EQ(usual.size(), 1U);
  EXPECT_NEAR(usual.at(engine::kAllServices), 100, 9);
  const std::string toml = engine::suggestion(days.baseline, config::Config{}.budgets, "a test");
  EXPECT_NE(toml.find("all services together, halved: "), std::string::npos) << toml;
}

TEST(baseline, nothing_is_learned_during_an_attack_nor_of_its_first_seconds) {
  Days days;
  days.live(4000, 10);
  const std::uint64_t seconds = days.baseline.seconds();
  days.live(Baseline::kWaitWindows - 1, 5000);  // not yet seen to be one
  days.live(1000, 5000, Load::under_attack);
  days.live(Baseline::kWaitWindows, 10);
  EXPECT_LT(days.baseline.usual(FW_CLASS_UDP_NEW), 12);
  EXPECT_NEAR(static_cast<double>(days.baseline.seconds()), static_cast<double>(seconds), 12);
  EXPECT_GE(days.baseline.left_out_seconds(), 1000U);
}

TEST(baseline, only_the_class_that_is_attacked_is_left_out) {
  Days days;
  days.budgets.push_back(budget_of(FW_CLASS_ICMP_ECHO, 0));
  Baseline::Loads attacked{};
  attacked[FW_CLASS_UDP_NEW] = Load::under_attack;
  const auto live = [&](std::uint64_t windows, double udp, double echo,
                        const Baseline::Loads& loads) {
    for (std::uint64_t i = 0; i < windows; i++) {
      charge(days.budgets[0], days.now_ns, udp);
      charge(days.budgets[1], days.now_ns, echo);
      days.now_ns += kWindowNs;
      days.baseline.tick(days.budgets, loads, days.now_ns);
    }
  };
  live(4000, 10, 10, {});
  live(9000, 5000, 40, attacked);
  live(Baseline::kWaitWindows, 10, 40, {});
  EXPECT_NEAR(days.baseline.usual(FW_CLASS_UDP_NEW), 10, 1);
  EXPECT_NEAR(days.baseline.usual(FW_CLASS_ICMP_ECHO), 40, 4);
  EXPECT_NEAR(static_cast<double>(days.baseline.seconds(FW_CLASS_UDP_NEW)), 4000 * kWindowSeconds,
              12);
  EXPECT_NEAR(static_cast<double>(days.baseline.seconds(FW_CLASS_ICMP_ECHO)),
              13'000 * kWindowSeconds, 2);
  // So it is after a restart.
  Baseline next;
  ASSERT_TRUE(next.restore(days.baseline.text()));
  EXPECT_EQ(next.seconds(FW_CLASS_UDP_NEW), days.baseline.seconds(FW_CLASS_UDP_NEW));
  EXPECT_EQ(next.usual(FW_CLASS_UDP_NEW), days.baseline.usual(FW_CLASS_UDP_NEW));
}

TEST(baseline, windows_in_which_a_budget_was_exceeded_are_left_out_and_others_are_not) {
  Days days;
  days.live(4000, 10);
  const std::uint64_t seconds = days.baseline.seconds();
  for (unsigned i = 0; i < 1000; i++) {
    days.live(2, 5000, Load::high);
    days.live(1, 10);
  }
  EXPECT_LT(days.baseline.usual(FW_CLASS_UDP_NEW), 12);
  EXPECT_NEAR(static_cast<double>(days.baseline.seconds() - seconds), 1000 * kWindowSeconds,
              static_cast<double>(Baseline::kWaitWindows));
  EXPECT_NEAR(static_cast<double>(days.baseline.left_out_seconds()), 2000 * kWindowSeconds, 2);
}

TEST(baseline, what_is_no_more_usual_is_forgotten_in_some_days) {
  Days days;
  const auto day = static_cast<std::uint64_t>(86'400 / kWindowSeconds);
  days.live(day, 400);
  EXPECT_GT(days.baseline.usual(FW_CLASS_UDP_NEW), 390);
  days.live(11 * day, 10);  // 2^-11 is below one in a thousand
  EXPECT_LT(days.baseline.usual(FW_CLASS_UDP_NEW), 12);
}

TEST(baseline, ports_are_told_apart_and_only_so_many) {
  Days days;
  days.budgets.clear();
  for (std::uint16_t port = 101; port <= 140; port++)
    days.budgets.push_back(budget_of(FW_CLASS_UDP_NEW, port));
  for (unsigned i = 0; i < 400; i++) {
    for (fw_budget& budget : days.budgets) charge(budget, days.now_ns, 10.0 * (budget.port - 100));
    days.now_ns += kWindowNs;
    days.baseline.tick(days.budgets, {}, days.now_ns);
  }
  const auto usual = days.baseline.usual_by_port(FW_CLASS_UDP_NEW);
  EXPECT_EQ(usual.size(), Baseline::kPortsPerClass + 1);
  EXPECT_NEAR(usual.at(101), 10, 1);
  EXPECT_NEAR(usual.at(0), 400, 40) << "the rest share port 0";
}

TEST(baseline, port_that_was_idle_for_an_hour_makes_room) {
  Days days;
  days.budgets.clear();
  for (std::uint16_t port = 101; port <= 116; port++)
    days.budgets.push_back(budget_of(FW_CLASS_UDP_NEW, port));
  const auto live = [&](std::uint64_t windows) {
    for (std::uint64_t i = 0; i < windows; i++) {
      for (fw_budget& budget : days.budgets) charge(budget, days.now_ns, 50);
      days.now_ns += kWindowNs;
      days.baseline.tick(days.budgets, {}, days.now_ns);
    }
  };
  live(400);
  days.budgets = {budget_of(FW_CLASS_UDP_NEW, 500)};
  live(1000);
  EXPECT_FALSE(days.baseline.usual_by_port(FW_CLASS_UDP_NEW).contains(500));
  live(Baseline::kIdleWindows);
  EXPECT_TRUE(days.baseline.usual_by_port(FW_CLASS_UDP_NEW).contains(500));
}

TEST(baseline, budget_is_raised_with_a_margin_and_never_beyond_twenty_times) {
  const config::Budget configured{.limit = 100, .burst = 200, .served_burst = 5000};
  Days days;
  EXPECT_EQ(days.baseline.raised(FW_CLASS_UDP_NEW, configured), configured);
  days.live(4000, 40);
  EXPECT_EQ(days.baseline.raised(FW_CLASS_UDP_NEW, configured), configured);
  Days busier;
  busier.live(4000, 400);
  const config::Budget raised = busier.baseline.raised(FW_CLASS_UDP_NEW, configured);
  EXPECT_NEAR(*raised.limit, 800, 80);
  EXPECT_EQ(raised.burst, static_cast<unsigned>(*raised.limit)) << "what comes in a second at once";
  EXPECT_EQ(raised.served_burst, 5000U);
  Days flooded;
  flooded.live(4000, 90'000);
  EXPECT_EQ(flooded.baseline.raised(FW_CLASS_UDP_NEW, configured).limit, 2000);
  const config::Budget narrow{.limit = 100, .burst = 8, .served_burst = 50};
  EXPECT_EQ(flooded.baseline.raised(FW_CLASS_UDP_NEW, narrow).burst, 160U);
  EXPECT_EQ(flooded.baseline.raised(FW_CLASS_UDP_NEW, narrow).served_burst, 1000U);
  EXPECT_EQ(flooded.baseline.raised(FW_CLASS_UDP_NEW, {}).limit, std::nullopt);
}

TEST(baseline, survives_as_text) {
  Days days;
  days.live(9000, 300);
  Baseline other;
  ASSERT_TRUE(other.restore(days.baseline.text()));
  EXPECT_EQ(other.seconds(), days.baseline.seconds());
  EXPECT_EQ(other.usual_by_port(FW_CLASS_UDP_NEW), days.baseline.usual_by_port(FW_CLASS_UDP_NEW));
  EXPECT_EQ(other.text(), days.baseline.text());
}

TEST(baseline, damaged_text_is_an_error_and_changes_nothing) {
  Days days;
  days.live(5000, 300);
  const std::string before = days.baseline.text();
  for (
      const char* wrong :
      {"", "{", "[]", "null", R"({"version":2,"windows":1,"weight":1,"seen":[]})",
       R"({"version":1,"windows":-1,"weight":1,"seen":[]})",
       R"({"version":1,"windows":1,"weight":"x","seen":[]})",
       R"({"version":1,"windows":1,"weight":1,"seen":[{}]})",
       R"({"version":1,"windows":1,"weight":1,"classes":[{"class":"udp_new","windows":2,"weight":1}],"seen":[]})",
       R"({"version":1,"windows":1,"weight":1,"seen":[{"class":"udp_new","port":70000,"steps":[]}]})",
       R"({"version":1,"windows":1,"weight":1,"seen":[{"class":"udp_new","port":1,"steps":[[999,1]]}]})",
       R"({"version":1,"windows":1,"weight":1,"seen":[{"class":"udp_new","port":1,"steps":[[9,-1]]}]})"}) {
    const auto restored = days.baseline.restore(wrong);
    ASSERT_FALSE(restored) << wrong;
    EXPECT_NE(restored.error().message.find("begins anew"), std::string::npos);
    EXPECT_EQ(days.baseline.text(), before) << wrong;
  }
}

// ------------------------------------------------------------------- in the engine

struct LearningLab : EngineLab {
  explicit LearningLab(config::Config config = {}) : EngineLab(std::move(config)) {
    datapath.budget(0) = budget_of(FW_CLASS_UDP_NEW, 53);
  }
  // `span` at so many unanswered packets a second, looked at once a window.
  void live(std::chrono::seconds span, double per_second) {
    for (std::uint64_t left = static_cast<std::uint64_t>(span.count()) * kSecond; left > kWindowNs;
         left -= kWindowNs) {
      charge(datapath.budget(0), mono_ns, per_second);
      pass(std::chrono::nanoseconds(kWindowNs));
    }
  }
  [[nodiscard]] std::uint32_t in_force() const {
    return datapath.config().budget[FW_CLASS_UDP_NEW].limit;
  }
};

using std::chrono::hours;
using std::chrono::minutes;

TEST(learning, budget_is_raised_after_an_hour_of_normal_load_and_the_log_says_why) {
  LearningLab lab;
  ASSERT_EQ(lab.in_force(), 100U);
  lab.live(minutes(58), 90);
  EXPECT_EQ(lab.in_force(), 100U);
  lab.live(minutes(5), 90);
  EXPECT_NEAR(lab.in_force(), 180, 18);
  EXPECT_EQ(lab.last("Learned").find("INFO Learned class=udp_new budget="), 0U)
      << lab.last("Learned");
  EXPECT_NE(lab.last("Learned").find("was=100 configured=100"), std::string::npos);
}

TEST(learning, budgets_move_at_most_once_an_hour_and_only_when_it_matters) {
  LearningLab lab;
  lab.live(minutes(62), 90);
  const int publishes = lab.datapath.publishes;
  lab.live(minutes(30), 99);
  EXPECT_EQ(lab.datapath.publishes, publishes);
  lab.live(hours(3), 400);
  EXPECT_NEAR(lab.in_force(), 800, 80);
  EXPECT_LE(lab.datapath.publishes, publishes + 3);
}

TEST(learning, switched_off_nothing_is_learned_and_the_configured_budgets_hold) {
  config::Config config;
  config.detect.learn = false;
  LearningLab lab(config);
  lab.live(hours(3), 90);
  EXPECT_EQ(lab.in_force(), 100U);
  EXPECT_EQ(lab.engine.baseline().seconds(), 0U);
}

TEST(learning, attack_freezes_its_class) {
  LearningLab lab;
  lab.live(hours(2), 20);
  const std::uint64_t seconds = lab.engine.baseline().seconds(FW_CLASS_UDP_NEW);
  for (unsigned i = 0; i < 600; i++) {
    lab.datapath.budget(0).refused += 1000;
    lab.live(std::chrono::seconds(2), 5000);
  }
  ASSERT_TRUE(lab.engine.detector().attack());
  // A window that waited may count before the attack is seen.
  EXPECT_LE(lab.engine.baseline().seconds(FW_CLASS_UDP_NEW), seconds + 2);
  EXPECT_GT(lab.engine.baseline().seconds(FW_CLASS_TCP_SYN), seconds);
  EXPECT_EQ(lab.in_force(), 100U);
  const auto baseline = lab.run("baseline");
  for (const auto& entry : baseline->at("classes"))
    EXPECT_EQ(entry.at("frozen"), entry.at("class") == "udp_new") << entry;
}

TEST(learning, flood_that_rises_slowly_does_not_raise_what_holds_it) {
  LearningLab lab;
  lab.live(hours(2), 20);
  // From within the budget to fifty times it in an hour. What is above is refused, too little at
  // a time to be called an attack.
  for (double rate = 50; rate < 5000; rate *= 1.0013) {
    if (rate > lab.in_force())
      lab.datapath.tables().shared->under_load_until_ns[FW_CLASS_UDP_NEW] =
          lab.mono_ns + 3 * kSecond;
    lab.live(std::chrono::seconds(2), rate);
  }
  ASSERT_FALSE(lab.engine.detector().attack());
  EXPECT_LE(lab.in_force(), 300U);
}

TEST(learning, what_a_former_daemon_learned_is_in_force_from_the_start) {
  LearningLab former;
  former.live(hours(2), 90);
  const std::string kept = former.engine.baseline().text();
  EngineLab lab;
  ASSERT_TRUE(lab.engine.restore_baseline(kept));
  ASSERT_TRUE(lab.engine.adopt(lab.now()));
  EXPECT_EQ(lab.datapath.config().budget[FW_CLASS_UDP_NEW].limit, former.in_force());
  EXPECT_FALSE(lab.engine.restore_baseline("damaged"));
}

TEST(learning, new_configuration_is_raised_as_well_and_reset_takes_it_back) {
  LearningLab lab;
  lab.live(minutes(62), 90);
  config::Config config;
  config.budgets[FW_CLASS_UDP_NEW].limit = 150;
  ASSERT_TRUE(lab.engine.apply(config, lab.now()));
  EXPECT_NEAR(lab.in_force(), 180, 18);
  config.detect.learn = false;
  ASSERT_TRUE(lab.engine.apply(config, lab.now()));
  EXPECT_EQ(lab.in_force(), 150U);
  config.detect.learn = true;
  ASSERT_TRUE(lab.engine.apply(config, lab.now()));
  const auto reply = lab.run("baseline", {}, {{"reset", ""}});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->at("seconds"), 0);
  EXPECT_EQ(lab.in_force(), 150U);
}

TEST(learning, baseline_tells_configured_usual_learned_and_in_force) {
  LearningLab lab;
  lab.live(minutes(62), 90);
  const auto reply = lab.run("baseline");
  ASSERT_TRUE(reply);
  EXPECT_GE(reply->at("seconds"), 3600);
  bool found = false;
  for (const auto& one : reply->at("classes")) {
    if (one.at("class") != "udp_new") continue;
    found = true;
    EXPECT_EQ(one.at("configured_pps"), 100);
    EXPECT_NEAR(one.at("usual_pps").get<double>(), 90, 9);
    EXPECT_EQ(one.at("learned_pps"), one.at("in_force_pps"));
    EXPECT_EQ(one.at("ports").at(0).at("port"), 53);
  }
  EXPECT_TRUE(found);
}

TEST(suggestion, is_valid_and_gives_the_learned_budgets_and_the_reason_for_each) {
  LearningLab lab;
  lab.live(minutes(62), 90);
  const auto reply = lab.run("suggest");
  ASSERT_TRUE(reply);
  const std::string toml = reply->at("toml");
  const auto config = config::parse(toml, "suggested.toml");
  ASSERT_TRUE(config) << config.error().message << "\n" << toml;
  const config::Budget learned =
      lab.engine.baseline().raised(FW_CLASS_UDP_NEW, config::Config{}.budgets[FW_CLASS_UDP_NEW]);
  EXPECT_EQ(config->budgets[FW_CLASS_UDP_NEW], learned);
  EXPECT_EQ(config->budgets[FW_CLASS_TCP_SYN], config::Config{}.budgets[FW_CLASS_TCP_SYN]);
  EXPECT_NE(toml.find("99.9 % of 3,7"), std::string::npos) << toml;
  EXPECT_NE(toml.find("port 53: "), std::string::npos) << toml;
  EXPECT_NE(toml.find("# budget.tcp_syn: next to nothing was seen"), std::string::npos) << toml;
}

TEST(suggestion, of_nothing_seen_is_valid_and_says_so) {
  const std::string toml =
      engine::suggestion(Baseline{}, config::Config{}.budgets, "a\nname = with lines");
  const auto config = config::parse(toml, "suggested.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(*config, config::Config{});
  EXPECT_NE(toml.find("That is short"), std::string::npos);
}

}  // namespace
}  // namespace fw::test
