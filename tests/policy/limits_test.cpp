// SPDX-License-Identifier: MIT
// Limits per source: exact, without window edges, in every metric; and what keeps a source off: a
// ban only where no third party can have forged the packets, else a restriction.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "datapath/address_key.hpp"
#include "policy_lab.hpp"

namespace fw::test {
namespace {

Packet udp(std::string_view peer = kPeer, std::size_t payload = 20) {
  return from(peer).udp(1234, 80).payload(payload);
}

// Sends `packet` `count` times, `step_ns` apart; returns the times at which one passed.
std::vector<std::uint64_t> passed_times(Lab& lab, const Packet& packet, int count,
                                        std::uint64_t step_ns) {
  std::vector<std::uint64_t> times;
  for (int i = 0; i < count; i++) {
    if (lab.in(packet).starts_with("pass")) times.push_back(lab.now_ns);
    lab.now_ns += step_ns;
  }
  return times;
}

// The measured rate of a source's unverified packets.
fw_u32 rate_of(Lab& lab, std::string_view peer, unsigned metric) {
  std::array<fw_u32, FW_METRIC_COUNT> rates{};
  const fw_addr key = key_of(Address::parse(peer).value());
  EXPECT_EQ(fw_policy_source_rates(&lab.datapath.env(), key, 0, 0, lab.now_ns, rates.data()), 1);
  return rates.at(metric);
}

TEST(limits, no_interval_has_more_packets_than_burst_and_rate_allow) {
  for (const std::uint64_t step : {kMillisecond, 7 * kMillisecond, 24 * kMillisecond}) {
    Lab lab;
    lab.limit(FW_METRIC_PACKETS, 40, kSecond);
    const auto times = passed_times(lab, udp(), static_cast<int>(10 * kSecond / step), step);
    for (std::size_t i = 0; i < times.size(); i++)
      for (std::size_t j = i; j < times.size(); j++)
        ASSERT_LE((j - i) * 25 * kMillisecond, times[j] - times[i] + kSecond) << i << " " << j;
    // And no fewer: a burst of 40 and 40 a second, if so many were sent; a step may be lost.
    EXPECT_GE(times.size(), std::min<std::size_t>(10 * kSecond / step, 440 - 2));
  }
}

TEST(limits, the_burst_and_one_packet_pass_at_once_and_then_one_per_interval) {
  Lab lab;
  lab.limit(FW_METRIC_PACKETS, 40, kSecond);
  EXPECT_EQ(passed_times(lab, udp(), 1000, 0).size(), 41U);
  lab.now_ns += 25 * kMillisecond - 16;
  EXPECT_EQ(lab.in(udp()), "drop limit");
  lab.now_ns += 16;
  EXPECT_EQ(lab.in(udp()), "pass pass");
  EXPECT_EQ(lab.in(udp()), "drop limit");
}

TEST(limits, a_source_that_is_seen_once_touches_no_meter) {
  Lab lab;
  lab.limit(FW_METRIC_PACKETS, 40, kSecond);
  for (int i = 1; i < 200; i++) lab.in(udp(fmt::format("203.0.113.{}", i)));
  const fw_meter untouched{};
  for (const fw_meter& meter : lab.datapath.tables().meters)
    ASSERT_EQ(std::memcmp(&meter, &untouched, sizeof meter), 0);
  EXPECT_EQ(rate_of(lab, "203.0.113.9", FW_METRIC_PACKETS), 1U);
  lab.now_ns += 40 * kWindow;
  EXPECT_EQ(rate_of(lab, "203.0.113.9", FW_METRIC_PACKETS), 0U);
}

TEST(limits, the_first_packet_counts_when_the_second_comes) {
  for (const auto& [metric, per_second] :
       {std::pair{FW_METRIC_PACKETS, 1.0}, std::pair{FW_METRIC_BYTES, 64.0},
        std::pair{FW_METRIC_UDP, 1.0}}) {
    Lab lab;  // a packet of 64 bytes, Ethernet and all, is a second's worth
    lab.limit(metric, per_second, 0);
    const Packet packet = udp(kPeer, 22), other = udp("203.0.113.9", 22);
    EXPECT_EQ(lab.in(packet), "pass pass");
    EXPECT_EQ(lab.in(other), "pass pass");
    lab.now_ns += kSecond - 2 * kMillisecond;
    EXPECT_EQ(lab.in(packet), "drop limit") << metric;
    lab.now_ns += 2 * kMillisecond;
    EXPECT_EQ(lab.in(other), "pass pass") << metric;
    EXPECT_EQ(lab.in(other), "drop limit") << metric;
    EXPECT_EQ(rate_of(lab, "203.0.113.9", FW_METRIC_PACKETS), 3U);
  }
}

TEST(limits, a_source_at_its_limit_loses_nothing) {
  Lab lab;
  lab.limit(FW_METRIC_PACKETS, 40, 0);
  for (int i = 0; i < 10'000; i++) {
    ASSERT_EQ(lab.in(udp()), "pass pass") << i;
    lab.now_ns += 25 * kMillisecond;
  }
}

TEST(limits, forty_and_forty_packets_on_both_sides_of_a_window_edge_are_seen) {
  Lab lab;  // a tumbling window of a second with a limit of 40 sees nothing here
  lab.handshake(kPeer);
  const Packet data = from(kPeer).tcp(40000, 80).seq(6).ack(1001).payload(10);
  lab.limit(FW_METRIC_PACKETS, 0, 0, 43);
  lab.meter_peers(FW_METRIC_PACKETS);
  lab.now_ns += kWindow - 41 * kMillisecond;
  const auto before = passed_times(lab, data, 40, kMillisecond);
  lab.now_ns += 2 * kMillisecond;  // over the edge
  const auto after = passed_times(lab, data, 40, kMillisecond);
  EXPECT_EQ(before.size(), 40U);
  EXPECT_LE(after.size(), 5U);

  Lab policed;
  policed.limit(FW_METRIC_PACKETS, 40, kSecond / 4);
  policed.now_ns += kWindow - 41 * kMillisecond;
  EXPECT_LE(passed_times(policed, udp(), 80, kMillisecond).size(), 15U);
}

TEST(limits, a_source_that_rests_for_any_time_has_its_whole_burst) {
  for (const unsigned seconds :
       {9U,  16U, 17U,  18U,  25U,  33U,  34U,   35U,     50U,        60U,       68U,
        69U, 70U, 103U, 120U, 137U, 138U, 3600U, 86'400U, 2'300'000U, 4'600'000U}) {
    Lab lab;
    lab.limit(FW_METRIC_PACKETS, 40, 8 * kSecond);
    EXPECT_EQ(passed_times(lab, udp(), 1000, 0).size(), 321U);
    lab.now_ns += seconds * kSecond;
    EXPECT_EQ(passed_times(lab, udp(), 1000, 0).size(), 321U) << seconds;
  }
}

TEST(limits, a_metric_may_rest_for_any_time_while_others_go_on) {
  const Packet syn = from(kPeer).tcp(1, 80).syn(), ack = from(kPeer).tcp(1, 80).ack(5);
  for (const unsigned seconds : {20U, 34U, 35U, 40U, 60U, 67U, 68U, 70U, 110U, 140U}) {
    Lab lab;
    lab.limit(FW_METRIC_SYN, 10, 0);
    EXPECT_EQ(lab.in(syn), "pass pass");
    for (unsigned i = 0; i < seconds; i++) {
      lab.now_ns += kSecond;
      ASSERT_EQ(lab.in(ack), "pass pass");
    }
    EXPECT_EQ(lab.in(syn), "pass pass") << seconds;
  }
}

TEST(limits, each_metric_counts_its_own_packets) {
  const Packet syn = from(kPeer).tcp(1, 80).syn(), ack = from(kPeer).tcp(1, 80).ack(5);
  const Packet ping = from(kPeer).icmp_echo(1, 1), error = from(kPeer).icmp(3, 1).payload(28);
  const Packet gre = from(kPeer).gre().payload(20), later = from(kPeer).fragment(64, false);
  const Packet dns = from(kPeer).udp(53, 999).payload(20);
  struct Case {
    unsigned metric;
    std::vector<Packet> counted, free;
  };
  const Case cases[] = {
      {FW_METRIC_PACKETS, {syn, ack, ping, error, gre, udp(), dns, later.payload(9)}, {}},
      {FW_METRIC_BYTES, {syn, ack, ping, error, gre, udp(), dns, later.payload(9)}, {}},
      {FW_METRIC_SYN, {syn}, {ack, ping, error, gre, udp(), dns}},
      {FW_METRIC_UDP, {udp(), dns}, {syn, ack, ping, error, gre, later.payload(9)}},
      {FW_METRIC_ICMP, {ping, error}, {syn, ack, gre, udp(), dns}},
  };
  for (const Case& test : cases) {
    for (const Packet& packet : test.counted) {
      Lab lab;
      lab.limit(test.metric, 1, 0);
      EXPECT_EQ(lab.in(packet), "pass pass");
      EXPECT_EQ(lab.in(packet), "drop limit") << test.metric << &packet - test.counted.data();
      const auto events = lab.events();
      ASSERT_EQ(events.size(), 1U);
      EXPECT_EQ(events[0].metric, test.metric);
    }
    for (const Packet& packet : test.free) {
      Lab lab;
      lab.limit(test.metric, 1, 0);
      for (int i = 0; i < 10; i++) EXPECT_EQ(lab.in(packet), "pass pass") << test.metric;
    }
  }
}

TEST(limits, bytes_are_those_of_the_frame_on_the_wire_in_steps_of_sixteen) {
  for (const std::size_t frame : {60U, 1514U}) {
    Lab lab;
    lab.limit(FW_METRIC_BYTES, 16'000, kSecond);  // 1000 units a second
    const std::size_t units = (frame + 15) / 16;
    const Packet packet = udp(kPeer, frame - 42);
    ASSERT_EQ(packet.wire_bytes(), frame);
    EXPECT_EQ(passed_times(lab, packet.cut_to(60), 5000, 0).size(), 1000 / units + 1) << frame;
  }
}

TEST(limits, a_byte_limit_below_one_packet_a_minute_still_limits) {
  Lab lab;
  lab.limit(FW_METRIC_BYTES, 1, 8 * kSecond);
  EXPECT_EQ(lab.in(udp(kPeer, 1400)), "pass pass");
  for (int i = 0; i < 16; i++) {
    lab.now_ns += kSecond / 2;
    EXPECT_EQ(lab.in(udp(kPeer, 1400)), "drop limit") << i;
  }
}

TEST(limits, a_service_with_limits_of_its_own_has_meters_of_its_own) {
  Lab lab;
  lab.limit(FW_METRIC_UDP, 1, 0);
  lab.service(true, 27015, 1, FW_ACTION_LIMIT);
  lab.config.rule[1].own = 1;
  lab.limit(FW_METRIC_UDP, 1000, kSecond, 0, 1);
  const Packet game = from(kPeer).udp(1234, 27015).payload(20);
  EXPECT_EQ(passed_times(lab, game, 500, 0).size(), 500U);
  EXPECT_EQ(lab.decision.rule, 1);
  EXPECT_EQ(lab.in(udp()), "pass pass");
  EXPECT_EQ(lab.in(udp()), "drop limit");
  EXPECT_EQ(lab.in(game), "pass pass");
}

TEST(limits, addresses_of_one_ipv6_prefix_are_one_source) {
  Lab lab;
  lab.limit(FW_METRIC_UDP, 1, 0);
  EXPECT_EQ(lab.in(udp("2001:db8:1::1")), "pass pass");
  EXPECT_EQ(lab.in(udp("2001:db8:1::2")), "drop limit");
  EXPECT_EQ(lab.in(udp("2001:db8:1:0:ffff::2")), "drop limit");
  EXPECT_EQ(lab.in(udp("2001:db8:1:1::1")), "pass pass");
  EXPECT_EQ(lab.events().at(0).prefix_bits, 64);
}

TEST(limits, a_forgotten_source_has_its_whole_burst_under_every_rule) {
  for (const char* peer : {kPeer, kPeer6}) {
    Lab lab;
    lab.limit(FW_METRIC_PACKETS, 1, 0);
    lab.meter_peers(FW_METRIC_PACKETS);
    lab.service(true, 27015, 1, FW_ACTION_LIMIT);
    lab.config.rule[1].own = 1;
    lab.limit(FW_METRIC_PACKETS, 1, 0, 0, 1);
    lab.handshake(peer);
    lab.now_ns += kSecond;
    const Packet packets[] = {udp(peer), from(peer).udp(1234, 27015).payload(20),
                              from(peer).tcp(40000, 80).seq(6).ack(1001)};
    for (const Packet& packet : packets) {
      EXPECT_TRUE(lab.in(packet).starts_with("pass"));
      EXPECT_EQ(lab.in(packet), "drop limit");
    }
    const Address source = Address::parse(peer).value();
    const fw_addr key = key_of(masked(source, source.is_v4() ? 128 : lab.config.source_bits_v6));
    fw_policy_source_forget(&lab.datapath.env(), key);
    for (const Packet& packet : packets) {
      EXPECT_TRUE(lab.in(packet).starts_with("pass"));
      EXPECT_EQ(lab.in(packet), "drop limit");
    }
  }
}

TEST(limits, forgetting_a_source_does_not_affect_others) {
  Lab lab;
  lab.limit(FW_METRIC_PACKETS, 1, 0);
  EXPECT_EQ(lab.in(udp("192.0.2.1")), "pass pass");
  EXPECT_EQ(lab.in(udp("192.0.2.2")), "pass pass");
  fw_policy_source_forget(&lab.datapath.env(), key_of(Address::parse("192.0.2.1").value()));
  EXPECT_EQ(lab.in(udp("192.0.2.1")), "pass pass");
  EXPECT_EQ(lab.in(udp("192.0.2.2")), "drop limit");
}

TEST(limits, a_limit_is_reported_once_until_the_source_was_quiet) {
  Lab lab;
  lab.limit(FW_METRIC_UDP, 10, 0);
  (void)passed_times(lab, udp(), 2000, 10 * kMillisecond);
  auto events = lab.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, FW_EVENT_LIMIT);
  EXPECT_EQ(events[0].src.lo, 0xffffc0000201U);
  EXPECT_EQ(events[0].dport, 80);
  EXPECT_EQ(events[0].limit, 10U);  // in a window
  lab.now_ns += 5 * kWindow;
  (void)passed_times(lab, udp(), 10, kMillisecond);
  EXPECT_TRUE(lab.events().empty());
  lab.now_ns += 12 * kWindow;
  (void)passed_times(lab, udp(), 10, kMillisecond);
  EXPECT_EQ(lab.events().size(), 1U);
}

TEST(bans, a_source_that_was_never_verified_is_restricted_if_its_flood_lasts) {
  Lab lab;
  lab.limit(FW_METRIC_UDP, 100, kSecond, 200);
  const std::uint64_t start = lab.now_ns;
  std::uint64_t banned = 0;
  while (banned == 0 && lab.now_ns < start + 10 * kSecond) {
    if (lab.in(udp()) == "drop restrict") banned = lab.now_ns;
    lab.now_ns += kMillisecond;
  }
  EXPECT_GE(banned - start, 3 * kWindow);
  EXPECT_LE(banned - start, 4 * kWindow);
  const auto events = lab.events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].kind, FW_EVENT_LIMIT);
  EXPECT_EQ(events[1].kind, FW_EVENT_RESTRICT);
  EXPECT_EQ(events[1].limit, 200U);
  EXPECT_NEAR(events[1].value, 1074, 15);
  const fw_entry* entry = lab.entry_of(kPeer);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->until_ns, entry->since_ns + 60 * kSecond);
  EXPECT_EQ(entry->hold_ms, 60'000U);
  EXPECT_EQ(entry->ban_above, 200U);
  EXPECT_EQ(entry->metric, unsigned{FW_METRIC_UDP} | FW_ENTRY_RESTRICTED);
}

// base/address.hpp and tables/address.h both list the special addresses: here they are compared.
TEST(bans, every_source_except_special_addresses_may_be_banned) {
  const auto neighbours = [](const Prefix& prefix) {
    const Address first = prefix.address, last = prefix.last();
    const Address before{first.hi - (first.lo == 0 ? 1 : 0), first.lo - 1};
    const Address after{last.hi + (last.lo == ~0ULL ? 1 : 0), last.lo + 1};
    return std::array{before, first, last, after};
  };
  for (const SpecialRange& range : special_ranges())
    for (const Address& source : neighbours(range.prefix)) {
      // At the ends of the IPv4 block the next address is no IPv4 address.
      if (source.is_v4() != range.prefix.is_v4()) continue;
      Lab lab;
      lab.config.source_bits_v6 = 128;
      lab.limit(FW_METRIC_UDP, 100, kSecond, 200);
      (void)passed_times(lab, udp(source.text()), 5000, kMillisecond);
      EXPECT_EQ(lab.entry_of(source.text()) == nullptr, is_special(source)) << source.text();
    }
}

TEST(bans, a_short_burst_from_an_unverified_source_is_dropped_and_bans_nobody) {
  Lab lab;
  lab.limit(FW_METRIC_UDP, 100, kSecond, 200);
  (void)passed_times(lab, udp(), 2000, kMillisecond);
  lab.now_ns += 3 * kWindow;
  EXPECT_EQ(lab.in(udp()), "pass pass");
  EXPECT_EQ(lab.entry_of(kPeer), nullptr);
}

TEST(bans, a_verified_peer_that_floods_is_banned_at_once) {
  Lab lab;
  lab.limit(FW_METRIC_PACKETS, 0, 0, 200);
  lab.meter_peers(FW_METRIC_PACKETS);
  lab.handshake(kPeer);
  const Packet data = from(kPeer).tcp(40000, 80).seq(6).ack(1001).payload(10);
  int passed = 0;
  while (lab.in(data) == "pass verified") passed++;
  EXPECT_EQ(passed, 199);  // the handshake's last packet was of the flow as well
  EXPECT_EQ(lab.in(data), "drop ban");
}

TEST(bans, forged_packets_never_ban_or_limit_a_verified_peer) {
  Lab lab;
  lab.limit(FW_METRIC_PACKETS, 50, kSecond / 10, 100);
  lab.limit(FW_METRIC_SYN, 50, kSecond / 10, 100);
  lab.handshake(kPeer);
  const Packet data = from(kPeer).tcp(40000, 80).seq(6).ack(1001).payload(10);
  const Packet forged[] = {from(kPeer).tcp(1, 80).syn(), from(kPeer).tcp(2, 80).ack(5), udp(),
                           from(kPeer).icmp_echo(1, 1)};
  std::size_t dropped = 0;
  for (int i = 0; i < 20'000; i++) {  // 20 s at 1000/s
    dropped += lab.in(forged[i % 4]) == "drop limit";
    if (i % 100 == 0) {
      ASSERT_EQ(lab.in(data), "pass verified") << i;
    }
    lab.now_ns += kMillisecond;
  }
  EXPECT_GT(dropped, 18'000U);
  EXPECT_EQ(lab.entry_of(kPeer), nullptr);
}

TEST(bans, ipv6_sources_are_restricted_by_their_prefix) {
  Lab lab;
  lab.limit(FW_METRIC_UDP, 100, kSecond, 200);
  (void)passed_times(lab, udp(kPeer6), 5000, kMillisecond);
  EXPECT_NE(lab.entry_of("2001:db8:1::/64"), nullptr);
  EXPECT_EQ(lab.in(udp("2001:db8:1::ffff")), "drop restrict");
  EXPECT_EQ(lab.in(udp("2001:db8:1:1::1")), "pass pass");
}

TEST(bans, are_made_up_to_a_cap_and_beyond_it_sources_are_still_limited) {
  Lab lab;
  lab.limit(FW_METRIC_UDP, 10, 0, 20);
  lab.config.bans_cost = static_cast<fw_u32>(kSecond >> FW_TICK_SHIFT);  // 60 a minute
  lab.config.bans_burst = static_cast<fw_u32>(4 * kSecond >> FW_TICK_SHIFT);
  lab.publish();
  std::size_t dropped = 0;
  for (int round = 0; round < 450; round++) {  // 4.5 s, 50 sources with 100/s each
    for (int i = 0; i < 50; i++)
      dropped += lab.in(udp("10.0.0." + std::to_string(i + 1))).starts_with("drop");
    lab.now_ns += 10 * kMillisecond;
  }
  std::size_t bans = 0;
  for (const fw_event& event : lab.events()) bans += event.kind == FW_EVENT_RESTRICT;
  EXPECT_GE(bans, 5U);
  EXPECT_LE(bans, 7U);
  EXPECT_GT(lab.datapath.counters().bans_capped, 40U);
  EXPECT_GT(dropped, 50U * 450 * 8 / 10);
}

TEST(bans, the_cap_holds_for_any_rate_and_after_any_rest) {
  for (const double per_minute : {1.0, 20.0, 27.0, 28.0, 1000.0}) {
    Lab lab({.sources = 1 << 14, .flows = 1 << 14, .bans = 1 << 12});
    lab.config.bans_cost = static_cast<fw_u32>(60 * 62.5e6 / per_minute);
    lab.config.bans_burst = static_cast<fw_u32>(2 * kSecond >> FW_TICK_SHIFT);
    lab.limit(FW_METRIC_PACKETS, 0, 0, 1);
    lab.meter_peers(FW_METRIC_PACKETS);
    int next = 1;
    const auto flood = [&] {  // 200 verified peers at once; how many were banned
      int bans = 0;
      for (int i = 0; i < 200; i++, next++) {
        const std::string peer =
            "10.1." + std::to_string(next / 250) + "." + std::to_string(next % 250 + 1);
        lab.handshake(peer);
        lab.in(from(peer).tcp(40000, 80).seq(6).ack(1001));
        bans += lab.in(from(peer).tcp(40000, 80).seq(6).ack(1001)) == "drop ban";
      }
      return bans;
    };
    const int at_once = static_cast<int>(2 * per_minute / 60) + 1;
    EXPECT_EQ(flood(), at_once) << per_minute;
    for (const unsigned seconds : {62U, 70U, 103U, 137U}) {
      lab.now_ns += seconds * kSecond;
      EXPECT_EQ(flood(), at_once) << per_minute << " after " << seconds;
    }
  }
}

TEST(bans, none_is_made_where_the_configuration_allows_none) {
  Lab lab;
  lab.config.bans_cost = 0;
  lab.limit(FW_METRIC_UDP, 10, 0, 20);
  (void)passed_times(lab, udp(), 10'000, kMillisecond);
  EXPECT_EQ(lab.entry_of(kPeer), nullptr);
  EXPECT_GT(lab.datapath.counters().bans_capped, 0U);
}

TEST(bans, observe_makes_them_but_drops_nothing) {
  Lab lab;
  lab.config.mode = FW_MODE_OBSERVE;
  lab.limit(FW_METRIC_UDP, 10, 0, 20);
  EXPECT_EQ(passed_times(lab, udp(), 10'000, kMillisecond).size(), 10'000U);
  EXPECT_NE(lab.entry_of(kPeer), nullptr);
  EXPECT_EQ(lab.in(udp()), "pass restrict");
}

}  // namespace
}  // namespace fw::test
