// SPDX-License-Identifier: MIT
// The heaviest sources and ports, and the rates, from counters and samples.
#include "engine/watch/watch.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "datapath/address_key.hpp"

namespace fw::engine {
namespace {

fw_sample sample(const std::string& source, std::uint16_t dport, fw_reason reason,
                 fw_class traffic_class = FW_CLASS_UDP_NEW) {
  fw_sample made{};
  made.packet.src = key_of(Address::parse(source).value());
  made.packet.dst = key_of(Address::parse("192.0.2.1").value());
  made.packet.dport = dport;
  made.packet.proto = FW_IPPROTO_UDP;
  made.reason = reason;
  made.kind = fw_reason_drops(reason) != 0 ? FW_SAMPLE_REFUSED : FW_SAMPLE_NEW;
  made.traffic_class = traffic_class;
  return made;
}

// Ten ticks a second of a flood of which one packet in ten is sampled.
struct Flooded : testing::Test {
  Flooded() { watch.begin(counters); }

  void second(unsigned sources, std::uint64_t per_tick = 100) {
    for (int tick = 0; tick < 10; ++tick) {
      counters.packets[FW_REASON_BUDGET] += per_tick;
      counters.packets[FW_REASON_PASS] += 10;
      for (unsigned i = 0; i < per_tick / 10; ++i) {
        const unsigned n = next++ % sources;
        watch.add(sample("10." + std::to_string(n >> 16) + "." + std::to_string(n >> 8 & 255) +
                             "." + std::to_string(n & 255),
                         53, FW_REASON_BUDGET));
      }
      watch.add(sample("198.51.100.7", 27015, FW_REASON_PASS));
      now.mono_ns += 100 * kMillisecond;
      watch.tick(counters, 0, now);
    }
  }

  Watch watch;
  fw_counters counters{};
  Now now{.mono_ns = 1000 * kSecond, .wall = {}};
  unsigned next = 0;
};

TEST_F(Flooded, classes_have_their_rates_and_each_second_that_is_over) {
  for (int i = 0; i < 30; ++i) {
    counters.class_packets[FW_CLASS_UDP_NEW] += 1100;
    counters.class_unverified[FW_CLASS_UDP_NEW] += 1000;
    second(7);
  }
  const Rates rates = watch.rates();
  EXPECT_NEAR(rates.by_class[FW_CLASS_UDP_NEW].in, 1100, 15);
  EXPECT_NEAR(rates.by_class[FW_CLASS_UDP_NEW].unverified, 1000, 15);
  EXPECT_NEAR(rates.by_class[FW_CLASS_UDP_NEW].refused, 1000, 15);
  EXPECT_EQ(rates.by_class[FW_CLASS_TCP_SYN].in, 0);
  const auto history = watch.history();
  ASSERT_EQ(history.size(), Watch::kSeconds);
  for (std::size_t i = 0; i < history.size(); ++i) {
    EXPECT_EQ(history[i].number, history[0].number + i);
    EXPECT_EQ(history[i].in, 1100);
    EXPECT_EQ(history[i].passed, 100);
    EXPECT_EQ(history[i].dropped, 1000);
    EXPECT_EQ(history[i].by_class[FW_CLASS_UDP_NEW], 1100);
  }
}

TEST_F(Flooded, a_second_without_a_tick_is_an_empty_one) {
  second(7);
  now.mono_ns += 3 * kSecond;
  second(7);
  second(7);
  const auto history = watch.history();
  ASSERT_GE(history.size(), 4U);
  for (std::size_t i = 1; i < history.size(); ++i)
    EXPECT_EQ(history[i].number, history[i - 1].number + 1);
}

TEST_F(Flooded, rates_are_those_of_the_last_ten_seconds) {
  for (int i = 0; i < 30; ++i) second(7);
  const Rates rates = watch.rates();
  EXPECT_NEAR(rates.in, 1100, 15);
  EXPECT_NEAR(rates.dropped, 1000, 15);
  EXPECT_NEAR(rates.passed, 100, 5);
  EXPECT_EQ(rates.observed, 0);
  EXPECT_NEAR(watch.trend().lately, watch.trend().before, 20);
  for (int i = 0; i < 3; ++i) second(7, 10);
  EXPECT_LT(watch.trend().lately, 0.5 * watch.trend().before);
  counters = {};
  now.mono_ns += 60 * kSecond;
  watch.begin(counters);
  EXPECT_EQ(watch.rates().in, 0);
}

TEST_F(Flooded, one_source_among_others_is_first_with_its_rate_and_port) {
  for (int i = 0; i < 12; ++i) second(1);
  const auto sources = watch.sources(true);
  ASSERT_EQ(sources.size(), 1U) << "of the other one nothing is dropped";
  EXPECT_EQ(sources[0].key.text(), "10.0.0.0");
  EXPECT_NEAR(sources[0].packets, 1000, 15);
  EXPECT_NEAR(sources[0].shares.dropped(), 1000, 15);
  EXPECT_EQ(sources[0].ports.begin()->first.port, 53);
  const auto by_packets = watch.sources(false);
  ASSERT_EQ(by_packets.size(), 2U);
  EXPECT_NEAR(by_packets[1].packets, 100, 5);
  EXPECT_EQ(watch.ports(true).at(0).key.port, 53);
  EXPECT_EQ(watch.ports(false).size(), 2U);
  EXPECT_TRUE(watch.prefixes(false).empty()) << "each has one source";
}

TEST_F(Flooded, thousands_of_sources_stay_in_bounds_and_their_prefix_is_seen) {
  for (int i = 0; i < 12; ++i) second(250);
  const auto prefixes = watch.prefixes(true);
  ASSERT_FALSE(prefixes.empty());
  EXPECT_EQ(prefixes[0].key.text(), "10.0.0.0/24");
  EXPECT_NEAR(prefixes[0].packets, 1000, 15);
  const Senders senders = watch.senders(
      {.traffic_class = FW_CLASS_UDP_NEW, .dst = Address::parse("192.0.2.1").value()});
  EXPECT_NEAR(static_cast<double>(senders.sources), 250, 25);
  EXPECT_LT(senders.share, 0.05);
  for (int i = 0; i < 12; ++i) second(60'000, 10'000);
  for (const auto& heavy : watch.sources(false)) {
    const double sure = heavy.packets - heavy.surplus;
    EXPECT_LT(sure, heavy.key.text() == "198.51.100.7" ? 120 : 60) << heavy.key.text();
  }
}

TEST_F(Flooded, a_heavy_source_is_found_among_sixty_thousand) {
  for (int i = 0; i < 10; ++i) {
    for (int k = 0; k < 60; ++k) watch.add(sample("203.0.113.9", 53, FW_REASON_BUDGET));
    second(60'000, 10'000);
  }
  EXPECT_EQ(watch.sources(true).at(0).key.text(), "203.0.113.9");
}

TEST(space_saving, no_weight_is_too_low_and_the_surplus_bounds_how_much_it_is_too_high) {
  SpaceSaving<int, int> sketch(8);
  std::map<int, double> truth;
  double all = 0;
  for (int i = 0; i < 20'000; ++i) {
    const int key = i % 3 == 0 ? 1 : i % 5 == 0 ? 2 : i;
    ++sketch.add(key, 2);
    truth[key] += 2;
    all += 2;
  }
  ASSERT_EQ(sketch.entries().size(), 8U);
  for (const auto& entry : sketch.entries()) {
    EXPECT_GE(entry.weight, truth[entry.key]);
    EXPECT_LE(entry.weight - entry.surplus, truth[entry.key]);
    EXPECT_LE(entry.surplus, all / 8);
  }
  const auto is_one = [](const auto& entry) { return entry.key == 1; };
  EXPECT_TRUE(std::ranges::any_of(sketch.entries(), is_one));
}

}  // namespace
}  // namespace fw::engine
