// SPDX-License-Identifier: MIT
// Which traffic raises an alarm, and whom the alarm names.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "datapath/address_key.hpp"
#include "engine/detect/handshakes.hpp"
#include "engine/detect/vector_names.hpp"
#include "harness/engine_lab.hpp"

namespace fw::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr const char* kHost = "192.0.2.1";

struct Wire {
  fw_class traffic_class = FW_CLASS_UDP_NEW;
  unsigned source = 1;
  std::string dst = kHost;
  fw_u16 port = 27015;  // 0: not served
  bool partner = false;
  fw_sample_kind kind = FW_SAMPLE_REFUSED;
};

fw_sample sample_of(const Wire& wire, std::uint64_t time_ns) {
  fw_sample sample{};
  sample.time_ns = time_ns;
  sample.kind = static_cast<fw_u8>(wire.kind);
  sample.traffic_class = static_cast<fw_u8>(wire.traffic_class);
  sample.served =
      static_cast<fw_u8>((wire.port != 0 ? FW_SERVED : 0) | (wire.partner ? FW_OF_PARTNER : 0));
  sample.packet.src = key_of(*Address::parse(fmt::format(
      "10.{}.{}.{}", wire.source >> 16 & 255, wire.source >> 8 & 255, wire.source & 255)));
  sample.packet.dst = key_of(*Address::parse(wire.dst));
  sample.packet.dport = wire.port;
  sample.packet.proto = wire.traffic_class == FW_CLASS_TCP_SYN ? 6 : 17;
  return sample;
}

// An engine whose datapath has a budget, above which packets come.
class Alarms : public testing::Test {
 protected:
  void name_budget(fw_class traffic_class, const char* dst, fw_u16 port) {
    fw_budget& budget = lab.datapath.budget(100);
    budget.used = 1;
    budget.traffic_class = static_cast<fw_u8>(traffic_class);
    budget.dst = dst == nullptr ? fw_addr{} : key_of(*Address::parse(dst));
    budget.port = port;
  }
  void answers(fw_u16 port) {
    lab.datapath.tables().served[(65'536 + port) / FW_LINE_BYTES].value[port % FW_LINE_BYTES] =
        FW_PORT_LISTENS | FW_PORT_ANSWERS;
  }
  void show(const Wire& wire, unsigned count) {
    for (unsigned i = 0; i < count; i++)
      lab.datapath.samples.push_back(sample_of(wire, lab.mono_ns));
  }
  // A tick in which the service was sent so many packets above its budget.
  void bear(std::uint32_t count) {
    lab.datapath.tables().capacities[100].passed += count;
    lab.pass(100ms);
  }
  void refuse(unsigned count) {
    lab.datapath.budget(100).refused += count;
    lab.datapath.counts.packets[FW_REASON_BUDGET] += count;
    lab.pass(100ms);
  }
  [[nodiscard]] bool attacked() { return lab.engine.detector().attack().has_value(); }

  EngineLab lab;
};

TEST_F(Alarms, a_bulk_transfer_to_a_service_that_answered_it_once_is_no_attack) {
  name_budget(FW_CLASS_UDP_NEW, kHost, 27015);
  answers(27015);
  for (int i = 0; i < 20; i++) {
    show({.partner = true}, 100);
    bear(700);
  }
  EXPECT_FALSE(attacked());
}

TEST_F(Alarms, many_addresses_that_were_answered_once_are_no_transfer) {
  name_budget(FW_CLASS_UDP_NEW, kHost, 27015);
  answers(27015);
  for (unsigned i = 0; i < 3; i++) {
    for (unsigned n = 0; n < 100; n++) show({.source = 100 * i + n, .partner = true}, 1);
    bear(700);
  }
  EXPECT_TRUE(attacked());
}

TEST_F(Alarms, one_sender_whom_the_service_never_answered_is_an_attack) {
  name_budget(FW_CLASS_UDP_NEW, kHost, 27015);
  answers(27015);
  for (unsigned i = 0; i < 3; i++) {
    show({}, 100);
    bear(700);
  }
  EXPECT_THAT(lab.last("AttackStart"), HasSubstr("udp_new to 192.0.2.1 port 27015"));
}

TEST_F(Alarms, answers_that_nobody_asked_for_are_an_attack_at_a_few_a_second) {
  name_budget(FW_CLASS_UDP_REFLECTED, kHost, 0);
  for (int i = 0; i < 5; i++) refuse(1);
  EXPECT_FALSE(attacked());  // an accident
  for (int i = 0; i < 10; i++) refuse(4);
  EXPECT_THAT(lab.last("AttackStart"), HasSubstr("udp_reflected to 192.0.2.1"));
}

TEST_F(Alarms, as_many_questions_to_closed_ports_are_none) {
  name_budget(FW_CLASS_UDP_NEW, kHost, 0);
  for (int i = 0; i < 50; i++) refuse(4);
  EXPECT_FALSE(attacked());
}

TEST_F(Alarms, the_budget_of_all_addresses_is_said_by_whom_most_packets_hit) {
  name_budget(FW_CLASS_UDP_REFLECTED, nullptr, 0);
  show({.traffic_class = FW_CLASS_UDP_REFLECTED, .dst = "2001:db8::2", .port = 0}, 60);
  show({.traffic_class = FW_CLASS_UDP_REFLECTED, .dst = "2001:db8::3", .port = 0}, 40);
  refuse(100);
  EXPECT_THAT(lab.last("AttackStart"), HasSubstr("vectors=\"udp_reflected to 2001:db8::2\""));
}

TEST_F(Alarms, a_flood_that_hits_many_addresses_names_none) {
  name_budget(FW_CLASS_UDP_REFLECTED, nullptr, 0);
  for (unsigned i = 1; i < 100; i++)
    show(
        {.traffic_class = FW_CLASS_UDP_REFLECTED, .dst = fmt::format("2001:db8::{}", i), .port = 0},
        1);
  refuse(100);
  EXPECT_THAT(lab.last("AttackStart"), HasSubstr("vectors=udp_reflected"));
}

TEST_F(Alarms, what_comes_to_an_attack_later_is_logged_as_well) {
  name_budget(FW_CLASS_ICMP_ECHO, kHost, 0);
  for (int i = 0; i < 7; i++) refuse(30);
  EXPECT_THAT(lab.last("AttackStart"), HasSubstr("icmp_echo"));
  name_budget(FW_CLASS_UDP_NEW, kHost, 27015);
  answers(27015);
  for (unsigned i = 0; i < 3; i++) bear(700);
  EXPECT_THAT(lab.last("AttackVector"), HasSubstr("vectors=\"udp_new to 192.0.2.1 port 27015\""));
}

TEST_F(Alarms, syns_in_the_name_of_one_address_that_stay_unfinished_are_reported_within_a_second) {
  const auto arrive = [this](unsigned syns, unsigned completed) {
    lab.datapath.counts.class_unverified[FW_CLASS_TCP_SYN] += syns;
    lab.datapath.counts.class_answered[FW_CLASS_TCP_SYN] += completed;
    show({.traffic_class = FW_CLASS_TCP_SYN, .port = 80, .kind = FW_SAMPLE_TRUSTED}, 20);
    lab.pass(100ms);
  };
  for (int i = 0; i < 40; i++) arrive(200, 200);
  EXPECT_FALSE(attacked());
  for (int i = 0; i < 9; i++) arrive(200 + 150, 200);
  EXPECT_THAT(lab.last("AttackStart"), HasSubstr("vectors=\"tcp_syn to 192.0.2.1 port 80\""));
  EXPECT_THAT(lab.last("AttackStart"), HasSubstr("unfinished_pps="));
}

TEST_F(Alarms, a_scan_of_closed_ports_is_no_flood_of_syns) {
  for (int i = 0; i < 40; i++) {
    lab.datapath.counts.class_unverified[FW_CLASS_TCP_SYN] += 50;
    show({.traffic_class = FW_CLASS_TCP_SYN, .port = 0, .kind = FW_SAMPLE_NEW}, 40);
    show({.traffic_class = FW_CLASS_TCP_SYN, .port = 80, .kind = FW_SAMPLE_NEW}, 10);
    lab.pass(100ms);
  }
  EXPECT_FALSE(attacked());
}

TEST(handshakes, a_crowd_whose_answers_take_a_third_of_a_second_is_none) {
  engine::Handshakes handshakes;
  std::uint64_t now_ns = 1000 * kSecond;
  for (int i = 0; i < 30; i++) {
    handshakes.add(now_ns += 100 * kMillisecond, 200, i < 3 ? 0 : 200);
    EXPECT_EQ(handshakes.unfinished(), 0U) << i;
  }
}

TEST(handshakes, of_one_source_190_a_second_are_seen_within_a_second) {
  engine::Handshakes handshakes;
  std::uint64_t now_ns = 1000 * kSecond;
  for (int i = 0; i < 9; i++) handshakes.add(now_ns += 100 * kMillisecond, 19, 0);
  EXPECT_GT(handshakes.unfinished(), 0U);
}

TEST(seen, forgets_what_is_old_and_never_grows) {
  engine::Seen seen;
  const engine::VectorKey services{FW_CLASS_UDP_NEW, {}, 1};
  for (unsigned i = 0; i < 3 * engine::Seen::kMost; i++)
    seen.add(sample_of({.source = i}, kSecond));
  EXPECT_EQ(seen.name(services),
            (engine::VectorKey{FW_CLASS_UDP_NEW, *Address::parse(kHost), 27015}));
  seen.advance(3 * kSecond);
  EXPECT_EQ(seen.name(services), services);
}

}  // namespace
}  // namespace fw::test
