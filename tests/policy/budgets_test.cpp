// SPDX-License-Identifier: MIT
// Budgets: which packets take tokens, which are refunded, and which sources are unaffected.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "datapath/address_key.hpp"
#include "policy_lab.hpp"

namespace fw::test {
namespace {

constexpr fw_u32 kSecondTicks = 62'500'000;

// `limit` packets a second, `burst` at once (8 or more: a CPU takes 8 tokens at a time).
void budget(Lab& lab, fw_class traffic_class, unsigned limit, unsigned burst,
            unsigned served_burst = 0) {
  const fw_u32 cost = kSecondTicks / limit;
  lab.config.budget[traffic_class] = {
      .cost = cost,
      .burst = burst * cost,
      .served_burst = (served_burst == 0 ? burst : served_burst) * cost,
      .limit = limit};
  lab.publish();
}

std::string unverified(unsigned i, bool v6 = false) {
  if (v6) return "2001:db8:" + std::to_string(1000 + i) + "::1";
  return "10." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255) + ".9";
}

Packet syn(const std::string& peer) {
  return from(peer).tcp(40000, 80).syn().seq(5);
}

// How many of `count` packets of as many unverified sources pass at once.
template <typename Make>
unsigned passes(Lab& lab, unsigned count, Make make, unsigned first = 0) {
  unsigned passed = 0;
  for (unsigned i = first; i < first + count; i++) passed += lab.decide(make(i)).verdict == FW_PASS;
  return passed;
}

TEST(budgets, without_one_everything_passes) {
  Lab lab;
  EXPECT_EQ(passes(lab, 5000, [](unsigned i) { return syn(unverified(i)); }), 5000U);
}

TEST(budgets, limit_what_unverified_sources_send_together_from_the_first_excess_packet_on) {
  for (const bool v6 : {false, true}) {
    Lab lab;
    budget(lab, FW_CLASS_TCP_SYN, 10, 100);
    const auto make = [v6](unsigned i) { return syn(unverified(i, v6)); };
    const unsigned passed = passes(lab, 2000, make);
    EXPECT_GE(passed, 100U);
    EXPECT_LE(passed, 116U);
    EXPECT_EQ(lab.in(make(5000)), "drop budget");
    EXPECT_EQ(lab.datapath.counters().packets[FW_REASON_BUDGET], 2001U - passed);
    lab.now_ns += 4 * kSecond;  // 40 more
    const unsigned later = passes(lab, 2000, make, 6000);
    EXPECT_GE(later, 32U);
    EXPECT_LE(later, 48U);
  }
}

TEST(budgets, a_syn_that_nobody_here_can_answer_by_a_cookie_is_dropped_and_counted_once) {
  Lab lab;
  budget(lab, FW_CLASS_TCP_SYN, 10, 16);
  lab.config.syn_cookies = 1;
  lab.publish();
  for (unsigned i = 0; i < 200; i++) (void)lab.in(syn(unverified(i)));
  EXPECT_EQ(lab.in(syn(unverified(500))), "drop budget");
  const fw_counters counters = lab.datapath.counters();
  EXPECT_EQ(counters.packets[FW_REASON_CHALLENGE], 0U);
  EXPECT_EQ(counters.packets[FW_REASON_BUDGET] + counters.packets[FW_REASON_PASS], 201U);
}

// 4,000 addresses of ours are asked within a moment.
TEST(budgets, are_never_shared_with_a_stranger_and_taken_over_when_idle) {
  Lab lab;
  budget(lab, FW_CLASS_ICMP_ECHO, 10, 5000);
  const auto named = [&lab](const Address& address) {
    return std::ranges::count_if(lab.datapath.tables().budgets, [&](const fw_budget& each) {
      return each.used != 0 && from_key(each.dst) == address;
    });
  };
  const auto scan = [&lab](unsigned net) {
    for (unsigned i = 0; i < 4000; i++)
      (void)lab.in(Packet::ethernet()
                       .ipv4(unverified(i), fmt::format("198.{}.{}.{}", net, i >> 8, i & 255))
                       .icmp_echo(1, 1));
  };
  const auto last = [](unsigned net) { return Address::v4(198U << 24 | net << 16 | 3999); };
  scan(18);
  EXPECT_EQ(named({}), 1);
  lab.now_ns += 4 * kWindow;
  scan(19);
  EXPECT_EQ(named(last(19)), 0);  // charged to all addresses together
  lab.now_ns += 9 * kWindow;
  EXPECT_EQ(named(*Address::parse(kHost)), 0);
  (void)lab.in(from(kPeer).icmp_echo(1, 1));
  EXPECT_EQ(named(*Address::parse(kHost)), 1);
}

TEST(budgets, are_of_each_address_and_of_all_together) {
  Lab lab;
  budget(lab, FW_CLASS_ICMP_ECHO, 10, 100);
  unsigned passed = 0;
  for (unsigned i = 0; i < 3000; i++) {  // a carpet over 30 addresses
    const std::string host = "198.51.100." + std::to_string(10 + i % 30);
    const Packet echo = Packet::ethernet().ipv4(unverified(i), host).icmp_echo(1, 1);
    passed += lab.decide(echo).verdict == FW_PASS;
  }
  EXPECT_GE(passed, 200U);  // twice what one address may get
  EXPECT_LE(passed, 450U);
}

TEST(budgets, a_completed_handshake_is_refunded) {
  Lab lab({.sources = 1 << 15, .flows = 1 << 16, .bans = 1 << 10});
  budget(lab, FW_CLASS_TCP_SYN, 1, 16);
  for (unsigned i = 0; i < 5000; i++) {
    ASSERT_EQ(lab.in(syn(unverified(i))), "pass pass") << i;
    lab.out(to(unverified(i)).tcp(80, 40000).flags(kSyn).seq(1000).ack(6));
    ASSERT_EQ(lab.in(from(unverified(i)).tcp(40000, 80).seq(6).ack(1001)), "pass verified") << i;
  }
  EXPECT_EQ(lab.datapath.counters().class_answered[FW_CLASS_TCP_SYN], 5000U);
}

TEST(budgets, a_handshake_whose_syn_was_refused_refunds_nothing) {
  Lab lab;
  budget(lab, FW_CLASS_TCP_SYN, 10, 100);
  const auto complete = [&lab](const std::string& peer) {
    lab.out(to(peer).tcp(80, 40000).flags(kSyn).seq(9).ack(6));
    return lab.in(from(peer).tcp(40000, 80).seq(6).ack(10));
  };
  ASSERT_EQ(lab.in(syn(unverified(999))), "pass pass");
  ASSERT_EQ(complete(unverified(999)),
            "pass verified");  // the port is served, and has its own budget
  (void)passes(lab, 500, [](unsigned i) { return syn(unverified(i)); });
  for (unsigned i = 1000; i < 1100; i++) {
    ASSERT_EQ(lab.in(syn(unverified(i))), "drop budget") << i;
    ASSERT_EQ(complete(unverified(i)), "pass verified") << "by a SYN cookie, for example";
  }
  EXPECT_EQ(lab.in(syn(unverified(2000))), "drop budget");
}

TEST(budgets, an_answered_request_is_refunded_and_an_unanswered_one_is_not) {
  Lab lab;
  budget(lab, FW_CLASS_UDP_NEW, 1, 16);
  for (unsigned i = 0; i < 5000; i++) {
    ASSERT_EQ(lab.in(from(unverified(i)).udp(40000, 53)), "pass pass") << i;
    lab.out(to(unverified(i)).udp(53, 40000));
  }
  lab.now_ns += 10 * kSecond;
  const unsigned passed =
      passes(lab, 1000, [](unsigned i) { return from(unverified(i)).udp(40000, 53); }, 10'000);
  EXPECT_LT(passed, 80U);  // four bursts: they come at once, and answers may still follow
}

// Sends 2,000 questions at `per_second`, each from another unverified source; the answers follow 6
// ms later, or never. Returns when the first is refused; nothing if none is.
std::optional<std::uint64_t> first_refused_ns(unsigned per_second, bool answered, bool v6) {
  Lab lab;
  budget(lab, FW_CLASS_UDP_NEW, 100, 200);
  const auto peer = [v6](unsigned i) { return unverified(i, v6); };
  lab.in(from(kPeer).udp(40000, 53));
  lab.out(to(kPeer).udp(53, 40000));
  const std::uint64_t step_ns = kSecond / per_second, late = 6 * kMillisecond / step_ns;
  for (unsigned i = 0; i < 2000; i++) {
    if (lab.decide(from(peer(i)).udp(40000, 53)).verdict == FW_DROP) return i * step_ns;
    if (answered && i >= late) lab.out(to(peer(i - static_cast<unsigned>(late))).udp(53, 40000));
    lab.now_ns += step_ns;
  }
  return std::nullopt;
}

TEST(budgets, answers_that_are_slow_at_the_start_cost_no_client_a_question) {
  for (const unsigned per_second : {10'000U, 30'000U, 50'000U, 80'000U})
    for (const bool v6 : {false, true})
      EXPECT_EQ(first_refused_ns(per_second, true, v6), std::nullopt) << per_second << ' ' << v6;
}

TEST(budgets, questions_that_are_not_answered_are_refused_within_21_ms) {
  for (const unsigned per_second : {10'000U, 15'000U, 30'000U, 50'000U}) {
    const auto refused_ns = first_refused_ns(per_second, false, false);
    EXPECT_LE(refused_ns.value_or(kSecond), 21 * kMillisecond) << per_second;
  }
}

// Also when the exchange verifies the peer, and when several questions are answered together.
TEST(budgets, every_answered_question_is_refunded_in_the_end) {
  Lab lab;
  budget(lab, FW_CLASS_UDP_NEW, 10, 100);
  const auto ask = [](unsigned i) { return from(unverified(i)).udp(40000, 53).payload(30); };
  const auto answer = [](unsigned i) { return to(unverified(i)).udp(53, 40000).payload(90); };
  for (unsigned round = 0; round < 8; round++) {
    for (unsigned i = 0; i < 500; i++) {
      const unsigned at_once = i % 3 + 1;
      for (unsigned k = 0; k < at_once; k++)
        ASSERT_EQ(lab.decide(ask(i)).verdict, FW_PASS) << round << ' ' << i;
      for (unsigned k = 0; k < at_once; k++) lab.out(answer(i));
    }
    lab.now_ns += kSecond / 2;
  }
}

TEST(budgets, a_flood_of_other_ports_does_not_affect_a_service_that_answers) {
  Lab lab;
  budget(lab, FW_CLASS_UDP_NEW, 10, 64);
  lab.in(from(kPeer).udp(40000, 53));
  lab.out(to(kPeer).udp(53, 40000));
  EXPECT_LT(passes(lab, 50, [](unsigned i) { return from(unverified(i)).udp(4000, 99); }), 51U);
  passes(lab, 200, [](unsigned i) { return from(unverified(i)).udp(4000, 7); });
  EXPECT_EQ(lab.in(from(unverified(900)).udp(4000, 99)), "drop budget");
  EXPECT_EQ(lab.in(from(unverified(901)).udp(4000, 53)), "pass pass");
}

TEST(budgets, a_source_with_a_verified_flow_connects_again_while_strangers_are_refused) {
  Lab lab;
  lab.handshake(kPeer);
  lab.in(from(kPeer).tcp(40000, 80).ack(1001));
  budget(lab, FW_CLASS_TCP_SYN, 10, 64);
  passes(lab, 200, [](unsigned i) { return syn(unverified(i)); });
  EXPECT_EQ(lab.in(syn(unverified(999))), "drop budget");
  for (unsigned i = 0; i < 64; i++)
    ASSERT_EQ(lab.in(from(kPeer).tcp(41000 + i, 80).syn()), "pass pass") << i;
}

TEST(budgets, syns_in_the_names_of_sources_with_verified_flows_are_held_to_them) {
  Lab lab;
  budget(lab, FW_CLASS_TCP_SYN, 10, 64);
  for (unsigned i = 0; i < 50; i++) lab.handshake(unverified(i));
  lab.now_ns += 10 * kSecond;
  EXPECT_LT(passes(lab, 5000, [](unsigned i) { return syn(unverified(i % 50)); }), 500U);
}

TEST(budgets, packets_of_verified_flows_take_no_tokens) {
  Lab lab;
  lab.handshake(kPeer);
  for (fw_budget_limit& limit : lab.config.budget) limit = {1U << 30, 1, 1, 1};
  lab.publish();
  for (int i = 0; i < 1000; i++)
    ASSERT_EQ(lab.in(from(kPeer).tcp(40000, 80).ack(1001)), "pass verified");
}

TEST(budgets, one_busy_source_does_not_exhaust_them_when_only_arrivals_are_seen) {
  Lab lab;
  budget(lab, FW_CLASS_TCP_STRAY, 100, 200);
  for (int i = 0; i < 20'000; i++) {  // 4,000 packets a second, as a download that is half seen
    ASSERT_EQ(lab.in(from(kPeer).tcp(443, 50000).ack(7)), "pass pass") << i;
    lab.now_ns += 250'000;
  }
}

// A host of one network whose 256 hosts each send dozens of packets a second.
std::string coordinated(unsigned i) {
  return "10.200.7." + std::to_string(i % 256);
}

TEST(budgets, many_sources_that_send_much_get_no_more_than_the_budget) {
  Lab lab;
  budget(lab, FW_CLASS_ICMP_ECHO, 100, 100);
  unsigned passed = 0;
  for (unsigned i = 0; i < 120'000; i++) {
    passed += lab.decide(from(coordinated(i)).icmp_echo(1, 1)).verdict == FW_PASS;
    lab.now_ns += 50'000;
  }
  EXPECT_LT(passed, 1000U) << "six seconds of 100, the burst and the quotas";
}

TEST(budgets, answers_of_a_udp_service_refund_no_syns_of_its_clients) {
  Lab lab;
  budget(lab, FW_CLASS_TCP_SYN, 25, 100);
  budget(lab, FW_CLASS_UDP_NEW, 100, 200);
  unsigned passed = 0;
  for (unsigned i = 0; i < 60'000; i++) {
    const unsigned port = 1024 + i / 256 * 7;
    (void)lab.in(from(coordinated(i)).udp(port, 53));
    lab.out(to(coordinated(i)).udp(53, port));
    passed += lab.decide(syn(coordinated(i))).verdict == FW_PASS;
    lab.now_ns += 100'000;
  }
  EXPECT_LT(passed, 600U);
}

TEST(budgets, a_busy_source_passes_again_soon_after_a_flood) {
  Lab lab;
  budget(lab, FW_CLASS_TCP_STRAY, 100, 200);
  const auto busy = [&lab] { return lab.in(from(kPeer).tcp(443, 50000).ack(7)); };
  for (unsigned i = 0; i < 20'000; i++) {
    (void)busy();
    (void)lab.in(from(unverified(i)).tcp(443, 50000).ack(7));
    lab.now_ns += 100'000;
  }
  ASSERT_EQ(busy(), "drop budget");
  for (int i = 0; i < 4 * 4000; i++) {  // and it goes on while it is refused
    (void)busy();
    lab.now_ns += 250'000;
  }
  for (int i = 0; i < 20'000; i++) {
    ASSERT_EQ(busy(), "pass pass") << i;
    lab.now_ns += 250'000;
  }
}

TEST(budgets, unsolicited_packets_of_one_source_take_tokens_when_egress_is_seen) {
  Lab lab;
  budget(lab, FW_CLASS_TCP_STRAY, 100, 200);
  lab.out(to("203.0.113.1").udp(53, 53));
  unsigned passed = 0;
  for (int i = 0; i < 20'000; i++) {
    passed += lab.decide(from(kPeer).tcp(443, 50000).ack(7)).verdict == FW_PASS;
    lab.now_ns += 250'000;
  }
  EXPECT_LT(passed, 1500U);
}

TEST(budgets, a_source_known_before_the_load_has_a_bucket_of_its_own) {
  Lab lab;
  budget(lab, FW_CLASS_ICMP_ECHO, 10, 64);
  for (int i = 0; i < 6; i++) {  // it pings in six windows without load
    ASSERT_EQ(lab.in(from(kPeer).icmp_echo(1, 1)), "pass pass");
    lab.now_ns += kWindow;
  }
  passes(lab, 500, [](unsigned i) { return from(unverified(i)).icmp_echo(1, 1); });
  EXPECT_EQ(lab.in(from(unverified(999)).icmp_echo(1, 1)), "drop budget");
  EXPECT_EQ(lab.in(from(kPeer).icmp_echo(1, 1)), "pass pass");
}

TEST(budgets, no_source_becomes_known_while_one_is_exceeded) {
  Lab lab;
  budget(lab, FW_CLASS_ICMP_ECHO, 10, 64);
  for (int second = 0; second < 8; second++) {
    passes(lab, 500, [](unsigned i) { return from(unverified(i)).icmp_echo(1, 1); });
    lab.now_ns += kWindow;
  }
  const unsigned passed =
      passes(lab, 500, [](unsigned i) { return from(unverified(i)).icmp_echo(1, 1); });
  EXPECT_LT(passed, 60U);
}

TEST(budgets, sources_become_known_while_one_of_another_class_is_exceeded) {
  Lab lab;
  budget(lab, FW_CLASS_ICMP_ECHO, 10, 64);
  budget(lab, FW_CLASS_TCP_SYN, 10, 64);
  for (int i = 0; i < 6; i++) {  // it pings while SYNs are refused
    (void)lab.in(from(kPeer).icmp_echo(1, 1));
    passes(lab, 500, [](unsigned n) { return syn(unverified(n)); });
    lab.now_ns += kWindow;
  }
  passes(lab, 500, [](unsigned i) { return from(unverified(i)).icmp_echo(1, 1); });
  EXPECT_EQ(lab.in(from(unverified(999)).icmp_echo(1, 1)), "drop budget");
  EXPECT_EQ(lab.in(from(kPeer).icmp_echo(1, 1)), "pass pass");
}

TEST(budgets, that_are_more_than_half_used_give_each_prefix_a_quota) {
  Lab lab;
  budget(lab, FW_CLASS_TCP_SYN, 100, 200);
  unsigned passed = 0;
  for (unsigned i = 0; i < 5000; i++)
    passed += lab.decide(syn("10.9.9." + std::to_string(i % 256))).verdict == FW_PASS;
  EXPECT_LT(passed, 140U);                            // half the burst and the quota
  EXPECT_EQ(lab.in(syn("172.16.0.1")), "pass pass");  // tokens are left for others
}

TEST(budgets, that_are_exhausted_take_no_slot_for_the_prefix_of_a_refused_packet) {
  Lab lab;
  budget(lab, FW_CLASS_TCP_SYN, 10, 100);
  const auto make = [](unsigned i) { return syn(unverified(i)); };
  (void)passes(lab, 500, make);
  const auto before = lab.datapath.counters().new_sources;
  EXPECT_EQ(passes(lab, 500, make, 500), 0U);
  EXPECT_EQ(lab.datapath.counters().new_sources - before, 500U);  // slots of the sources themselves
}

TEST(budgets, a_special_address_is_limited_and_never_banned) {
  Lab lab;
  budget(lab, FW_CLASS_UDP_NEW, 10, 64);
  lab.limit(FW_METRIC_PACKETS, 0, 0, 10);
  unsigned passed = 0;
  for (int i = 0; i < 1000; i++)
    passed += lab.decide(from("0.0.0.0").udp(68, 67)).verdict == FW_PASS;
  EXPECT_LT(passed, 80U);
  EXPECT_EQ(lab.entry_of("0.0.0.0"), nullptr);
  EXPECT_TRUE(lab.events().empty());
}

TEST(budgets, a_clock_that_steps_back_resets_the_tokens_used) {
  Lab lab;
  budget(lab, FW_CLASS_TCP_SYN, 10, 64);
  passes(lab, 500, [](unsigned i) { return syn(unverified(i)); });
  EXPECT_EQ(lab.in(syn(unverified(900))), "drop budget");
  lab.now_ns -= 3600 * kSecond;
  EXPECT_EQ(lab.in(syn(unverified(901))), "pass pass");
}

TEST(budgets, in_mode_observe_they_are_counted_and_drop_nothing) {
  Lab lab;
  lab.config.mode = FW_MODE_OBSERVE;
  budget(lab, FW_CLASS_TCP_SYN, 10, 64);
  EXPECT_EQ(passes(lab, 500, [](unsigned i) { return syn(unverified(i)); }), 500U);
  EXPECT_GT(lab.datapath.counters().observed_drops, 400U);
}

TEST(scans, of_many_closed_ports_are_reported_once) {
  Lab lab;
  lab.config.scan_ports = 14;
  lab.publish();
  for (unsigned port = 1; port <= 1000; port++) lab.in(from(kPeer).tcp(40000, port).syn());
  for (unsigned i = 0; i < 1000; i++) lab.in(from("192.0.2.2").tcp(i + 1, 80).syn());
  const std::vector<fw_event> events = lab.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, FW_EVENT_SCAN);
  EXPECT_EQ(from_key(events[0].src).text(), kPeer);
}

}  // namespace
}  // namespace fw::test
