// SPDX-License-Identifier: MIT
// What a service bears: the control loop with a simulated service, and how the engine sees that one
// suffers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>

#include "daemon/pressure.hpp"
#include "datapath/address_key.hpp"
#include "engine/detect/capacity_loop.hpp"
#include "harness/engine_lab.hpp"
#include "host/pressure.hpp"

namespace fw::test {
namespace {

using namespace std::chrono_literals;
using engine::CapacityLoop;

constexpr double kTickSeconds = 0.1;
constexpr engine::CapacityBounds kBounds{.least_pps = 10, .configured_pps = 10'000};

// A program that takes so many packets a second, with a socket that holds some, behind the loop.
struct Simulation {
  explicit Simulation(double takes) : takes_pps(takes) {}

  double takes_pps, queue = 0, room = 277;  // packets; 277: net.core.rmem_default, small ones
  bool long_queue = false;
  CapacityLoop loop;
  double passed = 0, taken = 0, lost = 0;  // in packets, of the last run

  void run(double seconds, double offered_pps) {
    passed = taken = lost = 0;
    for (double left = seconds; left > kTickSeconds / 2; left -= kTickSeconds) {
      const double given =
          std::min(offered_pps, loop.controls() ? loop.pps() : kBounds.configured_pps) *
          kTickSeconds;
      const double served = std::min(queue + given, takes_pps * kTickSeconds);
      const double rest = queue + given - served;
      const double dropped = std::max(rest - room, 0.0);
      queue = rest - dropped;
      long_queue = queue >= room * (long_queue ? engine::kQueueIsShort : engine::kQueueIsLong);
      passed += given;
      taken += served;
      lost += dropped;
      loop.step({.offered_pps = offered_pps,
                 .passed_pps = given / kTickSeconds,
                 .lost_pps = dropped / kTickSeconds,
                 .suffers = dropped / kTickSeconds >= engine::kSocketLosesPps,
                 .queue_is_long = long_queue,
                 .keeps_up = dropped == 0 && queue < engine::kQueueIsShort * room},
                kBounds, kTickSeconds);
    }
  }
};

TEST(capacity_loop, finds_what_a_service_takes_at_any_rate_of_flood) {
  for (const double takes : {300.0, 3'000.0, 8'000.0, 20'000.0, 100'000.0})
    for (const double flood : {100.0, 1'000.0, 10'000.0, 100'000.0, 1'000'000.0}) {
      SCOPED_TRACE(testing::Message() << "takes " << takes << "/s, flood " << flood << "/s");
      Simulation service(takes);
      service.run(1.5, flood);
      service.run(30, flood);
      // Nearly all that it is given reaches the program, and the program is not left idle: users
      // get as much of it as their share of the packets.
      EXPECT_LE(service.lost, 0.05 * service.passed);
      EXPECT_GE(service.taken, 0.75 * 30 * std::min(takes, flood));
      if (flood < takes) {
        EXPECT_FALSE(service.loop.restricted());
      }
    }
}

// A collector of logs: nobody is answered, and all of it is wanted.
TEST(capacity_loop, gives_a_program_that_keeps_up_more_than_was_configured) {
  Simulation service(100'000);
  service.run(1, 30'000);
  EXPECT_FALSE(service.loop.restricted());
  service.run(60, 30'000);
  EXPECT_DOUBLE_EQ(service.taken, 60 * 30'000) << "nothing is refused any more";
  service.run(1, 100);
  EXPECT_FALSE(service.loop.controls()) << "it is over";
}

TEST(capacity_loop, keeps_the_queue_short_as_nobody_waits_for_a_late_answer) {
  Simulation service(500);
  service.run(2, 20'000);
  double late = 0;
  for (unsigned i = 0; i < 300; i++) {
    service.run(kTickSeconds, 20'000);
    late += service.queue / service.takes_pps > 0.25 ? 1 : 0;
  }
  EXPECT_LE(late, 0.2 * 300);
}

TEST(capacity_loop, falls_at_once_to_what_the_service_was_seen_to_take) {
  Simulation service(2000);
  service.run(0.2, 20'000);
  EXPECT_LE(service.loop.pps(), 2000);
}

TEST(capacity_loop, falls_within_a_second_and_is_over_soon_after_the_flood) {
  Simulation service(500);
  service.run(1, 200'000);
  service.run(1, 200'000);
  EXPECT_LE(service.lost, 0.2 * service.passed);
  service.run(30, 200'000);
  EXPECT_TRUE(service.loop.restricted());
  service.run(8, 100);
  EXPECT_FALSE(service.loop.restricted());
}

TEST(capacity_loop, keeps_a_little_for_users_however_the_service_suffers) {
  CapacityLoop loop;
  for (int i = 0; i < 100; i++)
    loop.step({.offered_pps = 5000, .passed_pps = 5000, .lost_pps = 0, .suffers = true}, kBounds,
              kTickSeconds);
  EXPECT_DOUBLE_EQ(loop.pps(), kBounds.least_pps);
}

// A UDP service of the lab on port 53, above its budget.
class Suffering : public testing::Test {
 protected:
  Suffering() {
    fw_budget& budget = lab.datapath.budget(100);
    budget.used = 1;
    budget.traffic_class = FW_CLASS_UDP_NEW;
    budget.dst = key_of(*Address::parse("192.0.2.1"));
    budget.port = 53;
  }
  // A tick in which so many packets were borne, and what was measured meanwhile.
  void tick(std::uint32_t borne, engine::HostLoad load = {}) {
    lab.datapath.tables().capacities[100].passed += borne;
    lab.engine.set_load(std::move(load), lab.now());
    lab.pass(100ms);
  }
  [[nodiscard]] const fw_capacity& capacity() { return lab.datapath.tables().capacities[100]; }
  [[nodiscard]] bool restricted() {
    return capacity().cost != 0 && capacity().until_ms > (lab.mono_ns >> 20);
  }

  EngineLab lab;
};

TEST_F(Suffering, service_whose_socket_drops_is_restricted_and_both_ends_are_logged) {
  tick(500);
  EXPECT_TRUE(lab.engine.wants_load(lab.now()));
  EXPECT_FALSE(restricted());
  const engine::HostLoad drops{
      .sockets = {{.local = Address::v4(0), .port = 53, .udp = true, .lost_pps = 4000}}};
  for (int i = 0; i < 3; i++) tick(500, drops);
  EXPECT_TRUE(restricted());
  EXPECT_GT(lab.datapath.tables().shared->restricted_until_window, lab.mono_ns >> FW_WINDOW_SHIFT);
  EXPECT_THAT(lab.last("Suffering"), testing::HasSubstr("service=\"udp_new to 192.0.2.1 port 53\" "
                                                        "why=\"its socket drops 4000 packets/s\""));
  EXPECT_THAT(lab.last("AttackStart"), testing::HasSubstr("suffering="));
  const auto status = lab.run("status");
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ((*status)["healthy"], false);
  EXPECT_EQ((*status)["services"][0]["restricted"], true);

  for (int i = 0; i < 150; i++) tick(0);
  EXPECT_FALSE(restricted());
  EXPECT_NE(lab.last("Recovered"), "");
  EXPECT_FALSE(lab.engine.wants_load(lab.now()));
}

TEST_F(Suffering, restriction_ends_by_itself_when_the_daemon_is_dead) {
  tick(500);
  tick(500, {.sockets = {{.port = 53, .udp = true, .lost_pps = 4000}}});
  ASSERT_TRUE(restricted());
  lab.mono_ns += 3 * kSecond;
  EXPECT_FALSE(restricted());
}

TEST_F(Suffering, host_that_suffers_restricts_every_service_above_its_budget) {
  tick(500);
  tick(500, engine::HostLoad{.sockets = {}, .backlog_drops_pps = 900});
  EXPECT_TRUE(restricted());
  EXPECT_THAT(lab.last("Suffering"), testing::HasSubstr("backlog"));
}

TEST_F(Suffering, collector_whose_program_reads_all_is_given_more_and_there_is_no_alarm) {
  for (int i = 0; i < 30; i++) {
    if (i < 5) lab.datapath.budget(100).refused += 1000;
    tick(i < 5 ? 1000 : 2000, {.sockets = {}, .udp_read_pps = i < 5 ? 10'000.0 : 20'000.0});
  }
  EXPECT_LT(capacity().cost, 62'500'000 / 15'000);
  EXPECT_GT(capacity().cost, 0U);
  EXPECT_EQ(lab.last("AttackStart"), "");
  EXPECT_EQ(lab.last("Suffering"), "");
  EXPECT_LE(lab.datapath.tables().shared->restricted_until_window, lab.mono_ns >> FW_WINDOW_SHIFT);
}

TEST_F(Suffering, program_that_reads_less_than_passes_is_not_given_more) {
  for (int i = 0; i < 30; i++) {
    lab.datapath.budget(100).refused += 1000;
    tick(1000, {.sockets = {}, .udp_read_pps = 5'000});
  }
  EXPECT_EQ(capacity().cost, 0U);
  EXPECT_NE(lab.last("AttackStart"), "");
}

TEST_F(Suffering, other_sockets_and_short_queues_are_none_of_it) {
  const engine::HostLoad others{.sockets = {{.port = 54, .udp = true, .lost_pps = 4000},
                                            {.port = 53, .udp = false, .lost_pps = 4000},
                                            {.port = 53, .udp = true, .queue_fill = 0.4}}};
  for (int i = 0; i < 20; i++) tick(500, others);
  EXPECT_FALSE(restricted());
}

TEST_F(Suffering, what_a_service_bears_is_an_attack_only_if_it_answers_others) {
  for (int i = 0; i < 20; i++) tick(200);  // a collector
  EXPECT_FALSE(lab.engine.detector().attack());
  lab.datapath.tables().served[(65'536 + 53) / FW_LINE_BYTES].value[(65'536 + 53) % FW_LINE_BYTES] =
      FW_PORT_LISTENS | FW_PORT_ANSWERS;
  for (int i = 0; i < 20; i++) tick(200);
  EXPECT_TRUE(lab.engine.detector().attack());
  EXPECT_THAT(lab.last("AttackStart"), testing::HasSubstr("pps=0 excess_pps="));
}

TEST_F(Suffering, answers_far_above_what_is_usual_and_the_capacity_are_reported) {
  const auto answer = [this](std::uint64_t count) {
    lab.datapath.counts.class_answered[FW_CLASS_UDP_NEW] += count;
    lab.datapath.counts.class_unverified[FW_CLASS_UDP_NEW] += count;
    lab.pass(100ms);
  };
  for (int i = 0; i < 40; i++) answer(50);
  EXPECT_FALSE(lab.engine.detector().attack());
  for (int i = 0; i < 12; i++) answer(3000);
  EXPECT_THAT(lab.last("AttackStart"), testing::HasSubstr("answered_pps="));
}

TEST(pressure, what_proc_says) {
  host::Pressure pressure;
  host::add_cpu_times("cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 10 1 20 30 4 5 6 7 8 9\nintr 1\n", pressure);
  ASSERT_EQ(pressure.cpus.size(), 1U);
  EXPECT_EQ(pressure.cpus[0].softirq, 6U);
  EXPECT_EQ(pressure.cpus[0].all, 83U);
  host::add_softnet("0000000b 00000010 00000002\n0000043f 00000001 00000000\n", pressure);
  EXPECT_EQ(pressure.backlog_drops, 17U);
  EXPECT_EQ(pressure.squeezes, 2U);
  host::add_conntrack("entries  found insert_failed drop early_drop\n00000000 00000007 0a 01 01\n",
                      pressure);
  EXPECT_EQ(pressure.conntrack_drops, 12U);
  host::add_udp("Udp: InDatagrams RcvbufErrors InCsumErrors MemErrors\nUdp: 9 40 9 1\n", pressure);
  host::add_udp6("Udp6InDatagrams 9\nUdp6RcvbufErrors 2\n", pressure);
  EXPECT_EQ(pressure.udp_full, 43U);
}

TEST(pressure, is_what_happened_between_two_readings) {
  daemon::PressureMeter meter;
  const auto at = [](std::uint64_t ms) {
    return Now{.mono_ns = kSecond + ms * kMillisecond, .wall = {}};
  };
  host::Socket socket{.local_port = 53, .proto = IPPROTO_UDP, .inode = 7, .drops = 1000};
  EXPECT_TRUE(meter.measure({socket}, {.cpus = {{0, 0}}}, at(0)).sockets.empty());
  socket.drops = 1200;  // half of them had a wrong checksum
  const engine::HostLoad load =
      meter.measure({socket}, {.cpus = {{45, 50}}, .backlog_drops = 30, .udp_full = 100}, at(500));
  ASSERT_EQ(load.sockets.size(), 1U);
  EXPECT_DOUBLE_EQ(load.sockets[0].lost_pps, 200);
  EXPECT_DOUBLE_EQ(load.softirq_share, 0.9);
  EXPECT_DOUBLE_EQ(load.backlog_drops_pps, 60);
  EXPECT_FALSE(engine::suffering_of(load).empty());
}

}  // namespace
}  // namespace fw::test
