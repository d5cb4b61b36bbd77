// SPDX-License-Identifier: MIT
// Attacks: when one begins and ends, what is said of it, and its signatures in the table.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "datapath/address_key.hpp"
#include "harness/engine_lab.hpp"

namespace fw::test {
namespace {

using namespace std::chrono_literals;
using engine::EventType;

constexpr const char* kHost = "192.0.2.1";

// A SYN without options from a source of its own, as hping3 sends it; or as a real stack does.
fw_sample syn(unsigned i, std::uint64_t time_ns, fw_sample_kind kind) {
  const bool real = kind != FW_SAMPLE_REFUSED;
  fw_sample sample{};
  sample.time_ns = time_ns;
  sample.kind = static_cast<fw_u8>(kind);
  sample.traffic_class = FW_CLASS_TCP_SYN;
  sample.reason = real ? FW_REASON_PASS : FW_REASON_BUDGET;
  sample.served = 1;
  fw_packet& packet = sample.packet;
  packet.src = key_of(*Address::parse(fmt::format("10.{}.{}.{}", i >> 16, i >> 8 & 255, i & 255)));
  packet.dst = key_of(*Address::parse(kHost));
  packet.proto = 6;
  packet.tcp_flags = FW_TCP_SYN;
  packet.dport = 80;
  packet.sport = static_cast<fw_u16>(1024 + i * 7919 % 60'000);
  packet.ttl = static_cast<fw_u8>(real ? 64 - i % 20 : 40 + i % 80);
  packet.l4_header_bytes = real ? 40 : 20;
  packet.ip_len_bytes = real ? 60 : 40;
  packet.tcp_window = real ? (i % 2 == 0 ? 64240 : 65535) : 512;
  return sample;
}

// As in a replay: nothing is borne above the budgets.
config::Config strict_config() {
  config::Config config;
  config.detect.capacity.reset();
  return config;
}

class Detection : public testing::Test {
 protected:
  explicit Detection(config::Config config = {}) : lab(std::move(config)) {}
  // `count` packets that the budget of SYNs to the host's port 80 refused, as the datapath shows
  // it.
  void refuse(unsigned count) {
    fw_budget& budget = lab.datapath.budget(7);
    budget.used = 1;
    budget.traffic_class = FW_CLASS_TCP_SYN;
    budget.dst = key_of(*Address::parse(kHost));
    budget.port = 80;
    budget.refused += count;
    lab.datapath.counts.packets[FW_REASON_BUDGET] += count;
    lab.datapath.counts.class_unverified[FW_CLASS_TCP_SYN] += count;
    for (unsigned i = 0; i < std::min(count, 300U); i++)
      lab.datapath.samples.push_back(syn(next_++, lab.mono_ns, FW_SAMPLE_REFUSED));
  }
  void normal_load(unsigned count) {
    for (unsigned i = 0; i < count; i++)
      lab.datapath.samples.push_back(syn(next_++, lab.mono_ns, FW_SAMPLE_TRUSTED));
    lab.pass(100ms);
  }
  [[nodiscard]] std::uint64_t active() {
    return lab.datapath.tables().signature_set->active[FW_CLASS_TCP_SYN];
  }

  EngineLab lab;

 private:
  unsigned next_ = 1;
};

TEST_F(Detection, a_few_refused_packets_are_no_attack) {
  refuse(30);
  lab.pass(100ms);
  EXPECT_FALSE(lab.engine.detector().attack());
  EXPECT_EQ(lab.last("AttackStart"), "");
}

TEST_F(Detection, an_attack_has_a_start_a_peak_and_an_end_with_hysteresis) {
  for (int i = 0; i < 20; i++) {
    refuse(500);
    lab.pass(100ms);
  }
  ASSERT_TRUE(lab.engine.detector().attack());
  EXPECT_EQ(lab.last("AttackStart"),
            "WARNING AttackStart id=20260501-1 vectors=\"tcp_syn to 192.0.2.1 port 80\" pps=5000 "
            "dropped_pps=5000 excess_pps=5000 budget=25 window=1s");
  const auto status = lab.run("status");
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ((*status)["attack"]["id"], "20260501-1");
  EXPECT_EQ((*status)["attack"]["vectors"][0]["dest_port"], 80);

  lab.pass(5s);
  refuse(100);  // not over yet
  lab.pass(100ms);
  for (int i = 0; i < 95; i++) lab.pass(100ms);
  EXPECT_TRUE(lab.engine.detector().attack());
  for (int i = 0; i < 20; i++) lab.pass(100ms);
  EXPECT_FALSE(lab.engine.detector().attack());
  EXPECT_THAT(lab.last("AttackEnd"), testing::HasSubstr("id=20260501-1"));
  EXPECT_THAT(lab.last("AttackEnd"), testing::HasSubstr("peak_pps=5"));
  const auto list = lab.run("list", {"attacks"});
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ((*list)["attacks"].size(), 1U);
  EXPECT_EQ((*list)["attacks"][0]["ended"], true);
}

TEST_F(Detection, what_the_flood_shares_is_in_force_while_it_lasts_and_users_do_not_keep_it) {
  normal_load(400);
  for (int i = 0; i < 4; i++) {
    refuse(300);
    lab.pass(100ms);
  }
  EXPECT_THAT(lab.last("Signature"), testing::HasSubstr("class=tcp_syn"));
  ASSERT_EQ(lab.engine.detector().signatures().all().size(), 1U);
  EXPECT_EQ(active(), 1U);

  for (int i = 0; i < 290; i++) {
    lab.datapath.counts.signature_packets[0] += 10;
    lab.pass(100ms);
  }
  EXPECT_EQ(active(), 1U);
  // The flood is over; what still matches is what users send.
  for (int i = 0; i < 80; i++) {
    lab.datapath.counts.signature_packets[0] += 3;
    lab.pass(100ms);
  }
  EXPECT_EQ(active(), 0U);
  EXPECT_THAT(lab.last("SignatureEnd"), testing::HasSubstr("id=s1"));
  EXPECT_THAT(lab.last("SignatureEnd"), testing::HasSubstr("packets=3"));
}

TEST_F(Detection, a_signature_can_be_pinned_and_removed_and_is_not_found_again_in_this_attack) {
  normal_load(400);
  for (int i = 0; i < 4; i++) {
    refuse(300);
    lab.pass(100ms);
  }
  ASSERT_TRUE(lab.run("signature", {"s1"}, {{"pin", "true"}}).has_value());
  for (int i = 0; i < 400; i++) lab.pass(100ms);
  EXPECT_EQ(active(), 1U);

  for (int i = 0; i < 4; i++) {
    refuse(300);
    lab.pass(100ms);
  }
  ASSERT_TRUE(lab.run("signature", {"s1"}, {{"remove", "true"}}).has_value());
  EXPECT_EQ(active(), 0U);
  for (int i = 0; i < 10; i++) {
    refuse(300);
    lab.pass(100ms);
  }
  EXPECT_EQ(active(), 0U);
  const auto gone = lab.run("signature", {"s1"}, {{"remove", "true"}});
  ASSERT_FALSE(gone.has_value());
  EXPECT_THAT(gone.error().message, testing::HasSubstr("no such signature"));
}

TEST_F(Detection, packets_from_just_before_the_attack_are_no_baseline) {
  // The flood's first packets passed as new sources.
  for (unsigned i = 0; i < 400; i++) {
    fw_sample sample = syn(100'000 + i, lab.mono_ns, FW_SAMPLE_REFUSED);
    sample.kind = FW_SAMPLE_NEW;
    lab.datapath.samples.push_back(sample);
  }
  lab.pass(100ms);
  normal_load(400);
  for (int i = 0; i < 4; i++) {
    refuse(300);
    lab.pass(100ms);
  }
  EXPECT_EQ(active(), 1U);
}

class StrictDetection : public Detection {
 protected:
  StrictDetection() : Detection(strict_config()) {}
};

TEST_F(StrictDetection, new_sources_that_are_answered_and_never_come_back_are_an_attack) {
  const auto arrive = [this](std::uint64_t unverified, std::uint64_t new_sources) {
    lab.datapath.counts.class_unverified[FW_CLASS_UDP_NEW] += unverified;
    lab.datapath.counts.class_new_sources[FW_CLASS_UDP_NEW] += new_sources;
    lab.pass(100ms);
  };
  for (int i = 0; i < 30; i++) arrive(5000, 3000);  // a busy service: many come back
  EXPECT_FALSE(lab.engine.detector().attack());
  for (int i = 0; i < 25; i++) arrive(5000, 4990);  // longer than who asks takes to ask again
  EXPECT_TRUE(lab.engine.detector().attack());
  EXPECT_EQ(lab.datapath.tables().shared->no_refund_classes, 1ULL << FW_CLASS_UDP_NEW);
  for (int i = 0; i < 200; i++) lab.pass(100ms);
  EXPECT_FALSE(lab.engine.detector().attack());
  EXPECT_EQ(lab.datapath.tables().shared->no_refund_classes, 0U);
}

TEST(detection_without_signatures, new_sources_that_never_come_back_get_no_refunds) {
  config::Config config = strict_config();
  config.detect.signatures = false;
  EngineLab lab(config);
  for (int i = 0; i < 30; i++) {
    lab.datapath.counts.class_unverified[FW_CLASS_UDP_NEW] += 5000;
    lab.datapath.counts.class_new_sources[FW_CLASS_UDP_NEW] += 4990;
    lab.pass(100ms);
  }
  EXPECT_EQ(lab.datapath.tables().shared->no_refund_classes, 1ULL << FW_CLASS_UDP_NEW);
}

TEST_F(Detection, a_crowd_that_comes_for_the_first_time_and_comes_back_is_no_attack) {
  const auto arrive = [this](std::uint64_t unverified, std::uint64_t new_sources) {
    lab.datapath.counts.class_unverified[FW_CLASS_UDP_NEW] += unverified;
    lab.datapath.counts.class_new_sources[FW_CLASS_UDP_NEW] += new_sources;
    lab.datapath.counts.class_answered[FW_CLASS_UDP_NEW] += unverified;
    lab.pass(100ms);
  };
  for (int i = 0; i < 20; i++) arrive(0, 0);  // just started
  for (int i = 0; i < 15; i++) arrive(5000, 5000);
  for (int i = 0; i < 60; i++) arrive(5000, 20);
  EXPECT_FALSE(lab.engine.detector().attack());
}

TEST_F(Detection, new_sources_that_are_answered_are_a_crowd_while_the_host_bears_them) {
  for (int i = 0; i < 60; i++) {
    lab.datapath.counts.class_unverified[FW_CLASS_UDP_NEW] += 300;
    lab.datapath.counts.class_new_sources[FW_CLASS_UDP_NEW] += 300;
    lab.datapath.counts.class_answered[FW_CLASS_UDP_NEW] += 300;
    lab.pass(100ms);
  }
  EXPECT_FALSE(lab.engine.detector().attack());
  EXPECT_EQ(lab.datapath.tables().shared->no_refund_classes, 0U);
}

TEST_F(StrictDetection, new_sources_many_times_the_usual_are_an_attack_at_once) {
  const auto arrive = [this](std::uint64_t unverified, std::uint64_t new_sources) {
    lab.datapath.counts.class_unverified[FW_CLASS_UDP_NEW] += unverified;
    lab.datapath.counts.class_new_sources[FW_CLASS_UDP_NEW] += new_sources;
    lab.pass(100ms);
  };
  for (int i = 0; i < 80; i++) arrive(200, 10);
  for (int i = 0; i < 4; i++) arrive(5000, 5000);
  EXPECT_TRUE(lab.engine.detector().attack());
}

TEST_F(Detection, a_scan_is_reported_and_banned_only_where_asked) {
  fw_event scan{};
  scan.kind = FW_EVENT_SCAN;
  scan.src = key_of(*Address::parse("203.0.113.9"));
  scan.prefix_bits = 128;
  scan.proto = 6;
  lab.datapath.events.push_back(scan);
  lab.pass(100ms);
  EXPECT_THAT(lab.last("Scan"), testing::HasSubstr("203.0.113.9"));
  EXPECT_FALSE(lab.banned("203.0.113.9"));

  config::Config config;
  config.detect.scan_ban = 10min;
  EngineLab strict(config);
  strict.datapath.events.push_back(scan);
  strict.pass(100ms);
  EXPECT_TRUE(strict.banned("203.0.113.9"));
}

}  // namespace
}  // namespace fw::test
