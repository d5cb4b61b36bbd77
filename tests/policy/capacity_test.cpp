// SPDX-License-Identifier: MIT
// What a service bears above its budget, and who is served first when it bears no more.
#include <gtest/gtest.h>

#include "policy_lab.hpp"

namespace fw::test {
namespace {

constexpr fw_u32 kSecondTicks = 62'500'000;
constexpr unsigned kPort = 27015;

Packet question(unsigned source) {
  return from("10." + std::to_string(source >> 16 & 255) + "." + std::to_string(source >> 8 & 255) +
              "." + std::to_string(source & 255))
      .udp(4000, kPort);
}

// A service that has answered, with a budget of 10/s and 64 at once.
class Service : public Lab {
 public:
  explicit Service(unsigned capacity) {
    config.capacity_cost = capacity == 0 ? 0 : kSecondTicks / capacity;
    config.budget[FW_CLASS_UDP_NEW] = {.cost = kSecondTicks / 10,
                                       .burst = 64 * (kSecondTicks / 10),
                                       .served_burst = 64 * (kSecondTicks / 10),
                                       .limit = 10};
    publish();
    in(from("192.0.2.7").udp(4000, kPort));
    out(to("192.0.2.7").udp(kPort, 4000));
  }
  // How many of `count` packets of as many sources, at `rate` per second, pass.
  unsigned flood(unsigned count, unsigned rate) {
    unsigned passed = 0;
    for (unsigned i = 0; i < count; i++) {
      passed += decide(question(++source_)).verdict == FW_PASS;
      now_ns += kSecond / rate;
    }
    return passed;
  }

 private:
  unsigned source_ = 0;
};

TEST(capacity, a_service_bears_what_is_above_its_budget) {
  Service service(10'000);
  EXPECT_EQ(service.flood(20'000, 5000), 20'000U);
  EXPECT_GT(service.datapath.counters().packets[FW_REASON_PASS], 20'000U);
}

TEST(capacity, what_is_above_it_is_dropped_from_the_first_packet_on) {
  Service service(1000);
  const unsigned passed = service.flood(40'000, 20'000);
  EXPECT_GT(passed, 2000U);
  EXPECT_LT(passed, 2700U);
}

TEST(capacity, without_one_the_budget_is_strict) {
  Service service(0);
  EXPECT_LT(service.flood(20'000, 5000), 300U);
}

TEST(capacity, what_nobody_asked_for_is_not_borne) {
  Service service(10'000);
  const auto stray = [&](unsigned i) { return from("198.51.100.1").tcp(40000 + i, 80).ack(1); };
  unsigned passed = 0;
  service.config.budget[FW_CLASS_TCP_STRAY] = service.config.budget[FW_CLASS_UDP_NEW];
  service.publish();
  for (unsigned i = 0; i < 5000; i++) passed += service.decide(stray(i)).verdict == FW_PASS;
  EXPECT_LT(passed, 200U);
}

TEST(capacity, a_tunnel_that_only_receives_loses_nothing) {
  Service service(10'000);
  service.config.budget[FW_CLASS_OTHER] = service.config.budget[FW_CLASS_UDP_NEW];
  service.publish();
  const auto send = [&] {
    unsigned passed = 0;
    for (unsigned i = 0; i < 8000; i++) {  // four ends, 2,000 packets a second each
      passed += service.decide(from("192.0.2." + std::to_string(i % 4)).gre()).verdict == FW_PASS;
      service.now_ns += kSecond / 8000;
    }
    return passed;
  };
  EXPECT_LT(send(), 3000U) << "no tunnel: nobody here can want it";
  const std::size_t gre = 2 * 65'536U + 47;
  service.datapath.tables().served[gre / FW_LINE_BYTES].value[gre % FW_LINE_BYTES] =
      FW_PORT_LISTENS;
  EXPECT_EQ(send(), 8000U);
}

TEST(capacity, the_engine_lowers_it_for_a_time_that_ends_by_itself) {
  Service service(10'000);
  (void)service.flood(1000, 5000);
  for (fw_capacity& capacity : service.datapath.tables().capacities) {
    capacity.cost = kSecondTicks / 100;
    capacity.until_ms = static_cast<fw_u32>((service.now_ns + 2 * kSecond) >> 20);
  }
  EXPECT_LT(service.flood(5000, 5000), 600U);
  service.now_ns += 2 * kSecond;
  EXPECT_EQ(service.flood(5000, 5000), 5000U);
}

TEST(capacity, who_asks_again_is_served_before_those_who_ask_for_the_first_time) {
  Service service(1000);
  (void)service.flood(20'000, 20'000);
  unsigned first = 0, again = 0;
  for (unsigned client = 0; client < 100; client++) {
    const unsigned source = 200U << 16 | client;
    first += service.decide(question(source)).verdict == FW_PASS;
    (void)service.flood(200, 20'000);
  }
  for (unsigned client = 0; client < 100; client++) {  // 1 s after their first question
    const unsigned source = 200U << 16 | client;
    again += service.decide(question(source)).verdict == FW_PASS;
    (void)service.flood(200, 20'000);
  }
  EXPECT_LT(first, 50U);
  EXPECT_GE(again, 95U);
}

TEST(capacity, a_source_that_repeats_fast_is_no_waiting_client) {
  Service service(1000);
  unsigned passed = 0;
  for (unsigned i = 0; i < 100'000; i++) {  // 5,000 sources, 4 packets a second each
    passed += service.decide(question(i * 1009 % 5000)).verdict == FW_PASS;
    service.now_ns += kSecond / 20'000;
  }
  EXPECT_LT(passed, 5U * 2000U);
}

}  // namespace
}  // namespace fw::test
