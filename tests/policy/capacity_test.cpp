// SPDX-License-Identifier: MIT
// What a service bears above its budget, and who is served first when it bears no more.
#include <gtest/gtest.h>

#include "policy_lab.hpp"

namespace fw::test {
namespace {

constexpr fw_u32 kSecondTicks = 62'500'000;
constexpr unsigned kPort = 27015;

std::string forged(unsigned number) {
  return "10." + std::to_string(number >> 16 & 255) + "." + std::to_string(number >> 8 & 255) +
         "." + std::to_string(number & 255);
}
Packet question(unsigned source) {
  return from(forged(source)).udp(4000, kPort);
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
    exchange("192.0.2.7");
  }
  // A question that is answered, if it passes. 1: it passed.
  unsigned exchange(const std::string& source) {
    if (decide(from(source).udp(4000, kPort)).verdict != FW_PASS) return 0;
    out(to(source).udp(kPort, 4000));
    return 1;
  }
  // As the engine writes it while the service suffers.
  void restrict(unsigned pps, std::uint64_t span_ns = 2 * kSecond) {
    for (fw_capacity& capacity : datapath.tables().capacities) {
      capacity.cost = kSecondTicks / pps;
      capacity.until_ms = static_cast<fw_u32>((now_ns + span_ns) >> 20);
    }
    datapath.tables().shared->restricted_until_window =
        static_cast<fw_u32>((now_ns + span_ns) >> FW_WINDOW_SHIFT) + 1;
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
  service.restrict(100);
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

TEST(capacity, being_answered_does_not_let_a_flood_in_while_the_service_suffers) {
  Service service(10'000);
  service.restrict(100, 10 * kSecond);
  unsigned passed = 0;
  for (unsigned i = 0; i < 40'000; i++) {  // 10,000 a second
    passed += service.exchange(forged(i));
    service.now_ns += kSecond / 10'000;
  }
  EXPECT_LT(passed, 4 * 100U + 4 * 10U + 200U);
}

TEST(capacity, who_was_answered_once_before_it_suffered_goes_first) {
  Service service(10'000);
  for (unsigned user = 0; user < 20; user++)
    ASSERT_TRUE(service.exchange("192.0.2." + std::to_string(user)));
  service.restrict(100, 20 * kSecond);
  unsigned passed = 0;
  for (unsigned i = 0; i < 200; i++) {  // 4 packets of each user a second
    passed += service.exchange("192.0.2." + std::to_string(i % 20));
    for (unsigned k = 0; k < 100; k++) {
      service.exchange(forged(100 * i + k));
      service.now_ns += kSecond / 80 / 100;
    }
  }
  EXPECT_EQ(passed, 200U);
}

TEST(capacity, nobody_becomes_an_acquaintance_of_a_service_that_suffers) {
  Service service(10'000);
  service.restrict(1000, 60 * kSecond);
  for (unsigned i = 0; i < 10; i++) {
    EXPECT_TRUE(service.exchange("192.0.2.9"));
    service.now_ns += kSecond;
  }
  EXPECT_NE(service.decide(from("192.0.2.9").udp(4000, kPort)).reason, FW_REASON_VERIFIED);
}

TEST(capacity, acquaintances_made_in_forged_names_have_a_share_and_not_all) {
  Service service(10'000);
  for (unsigned i = 0; i < 2000; i++) service.exchange(forged(i));
  service.restrict(200, 10 * kSecond);
  unsigned passed = 0;
  for (unsigned i = 0; i < 20'000; i++) {
    passed += service.exchange(forged(i % 2000));
    service.now_ns += kSecond / 10'000;
  }
  // In 2 s their four shares and that of first-timers are 2,000; and the answers before it suffered
  // let some more come at once.
  EXPECT_LT(passed, 3500U);
  EXPECT_GT(passed, 1600U);
}

}  // namespace
}  // namespace fw::test
