// SPDX-License-Identifier: MIT
// Bans, allowances and exemptions of prefixes: when they are in force, what they count, and that
// only their end or their owner removes them.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "policy_lab.hpp"

namespace fw::test {
namespace {

Packet udp(std::string_view peer = kPeer) {
  return from(peer).udp(1234, 80).payload(20);
}

TEST(entries, banned_source_is_dropped_until_expiry) {
  Lab lab;
  EXPECT_GE(lab.entry(FW_ENTRY_BAN, kPeer, 7 * kSecond), 0);
  const std::uint64_t start = lab.now_ns;
  lab.now_ns = start + 7 * kSecond - 1;
  EXPECT_EQ(lab.in(udp()), "drop ban");
  lab.now_ns = start + 7 * kSecond;
  EXPECT_EQ(lab.in(udp()), "pass pass");
}

TEST(entries, a_prefix_has_its_addresses_and_no_others) {
  Lab lab;
  EXPECT_GE(lab.entry(FW_ENTRY_BAN, "192.0.2.0/24"), 0);
  EXPECT_GE(lab.entry(FW_ENTRY_BAN, "2001:db8:1::/64"), 0);
  for (const char* inside : {"192.0.2.0", "192.0.2.255", "2001:db8:1::", "2001:db8:1::ffff",
                             "2001:db8:1:0:ffff:ffff:ffff:ffff"})
    EXPECT_EQ(lab.in(udp(inside)), "drop ban") << inside;
  for (const char* outside : {"192.0.1.255", "192.0.3.0", "2001:db8:1:1::", "2001:db8:0:ffff::1"})
    EXPECT_EQ(lab.in(udp(outside)), "pass pass") << outside;
}

TEST(entries, a_length_that_the_configuration_does_not_name_is_not_looked_for) {
  Lab lab;
  EXPECT_GE(lab.entry(FW_ENTRY_BAN, "192.0.0.0/16"), 0);
  EXPECT_EQ(lab.in(udp()), "pass pass");
  lab.config.prefix_bits_v4[3] = 112;
  lab.publish();
  EXPECT_EQ(lab.in(udp()), "drop ban");
}

TEST(entries, a_prefix_has_one_entry_and_the_last_put_wins) {
  Lab lab;
  const fw_s32 first = lab.entry(FW_ENTRY_BAN, kPeer);
  EXPECT_EQ(lab.entry(FW_ENTRY_ALLOW, kPeer), first);
  EXPECT_EQ(lab.in(udp()), "pass allow");
  EXPECT_EQ(lab.entry(FW_ENTRY_BAN, kPeer), first);
  EXPECT_EQ(lab.in(udp()), "drop ban");
  fw_policy_entry_erase(&lab.datapath.env(), static_cast<fw_u32>(first));
  EXPECT_EQ(lab.in(udp()), "pass pass");
  EXPECT_EQ(lab.entry_of(kPeer), nullptr);
}

TEST(entries, a_ban_goes_on_while_the_flood_does_and_ends_its_hold_after_the_last_excess) {
  Lab lab;
  EXPECT_GE(lab.entry(FW_ENTRY_BAN, kPeer, 10 * kSecond, 10'000, 20), 0);
  const std::uint64_t step = 20 * kMillisecond;  // 53 packets a window
  std::uint64_t last = 0;
  for (int i = 0; i < 1500; i++) {  // 30 s
    ASSERT_EQ(lab.in(udp()), "drop ban");
    last = lab.now_ns;
    lab.now_ns += step;
  }
  ASSERT_NE(lab.entry_of(kPeer), nullptr);
  EXPECT_EQ(lab.entry_of(kPeer)->until_ns, last + 10 * kSecond);
  lab.now_ns = last + 10 * kSecond - 1;
  EXPECT_EQ(lab.in(udp()), "drop ban");
  lab.now_ns = last + 10 * kSecond;
  EXPECT_EQ(lab.in(udp()), "pass pass");
}

TEST(entries, a_trickle_does_not_renew_a_ban_and_neither_does_another_metric) {
  Lab lab;
  EXPECT_GE(lab.entry(FW_ENTRY_BAN, kPeer, 10 * kSecond, 10'000, 20), 0);
  const std::uint64_t end = lab.now_ns + 10 * kSecond;
  for (; lab.now_ns < end; lab.now_ns += 100 * kMillisecond) ASSERT_EQ(lab.in(udp()), "drop ban");
  EXPECT_EQ(lab.in(udp()), "pass pass");

  Lab syn;
  const fw_s32 index = syn.entry(FW_ENTRY_BAN, kPeer, 10 * kSecond, 10'000, 20);
  syn.datapath.tables().entries[static_cast<std::size_t>(index)].metric = FW_METRIC_SYN;
  const std::uint64_t syn_end = syn.now_ns + 10 * kSecond;
  for (; syn.now_ns < syn_end; syn.now_ns += 20 * kMillisecond)
    ASSERT_EQ(syn.in(udp()), "drop ban");
  EXPECT_EQ(syn.in(udp()), "pass pass");
}

TEST(entries, a_ban_without_hold_is_not_renewed) {
  Lab lab;
  EXPECT_GE(lab.entry(FW_ENTRY_BAN, kPeer, 2 * kSecond, 0, 1), 0);
  const std::uint64_t end = lab.now_ns + 2 * kSecond;
  for (; lab.now_ns < end; lab.now_ns += kMillisecond) ASSERT_EQ(lab.in(udp()), "drop ban");
  EXPECT_EQ(lab.in(udp()), "pass pass");
}

TEST(entries, every_dropped_packet_is_counted_once) {
  Lab lab;
  const fw_s32 index = lab.entry(FW_ENTRY_BAN, kPeer, FW_FOREVER);
  ASSERT_GE(index, 0);
  const auto at = static_cast<std::size_t>(index);
  for (std::uint64_t i = 1; i <= 5000; i++) {
    ASSERT_EQ(lab.in(udp()), "drop ban");
    ASSERT_EQ(lab.entry_of(kPeer)->dropped + lab.datapath.pending_drops(at), i);
    lab.now_ns += 997'000;
  }
  EXPECT_GT(lab.entry_of(kPeer)->dropped, 4980U);  // pending drops are less than 11 ms old
}

TEST(entries, bans_whose_sources_send_at_the_same_time_are_each_counted_and_renewed) {
  constexpr std::size_t kBans = 3 * FW_PENDING_SLOTS / 2;  // more than a CPU has pending slots for
  Lab lab({.sources = 64, .flows = 64, .bans = 4096});
  std::vector<std::string> peers;
  std::vector<fw_s32> indexes;
  std::vector<Packet> packets;
  for (std::size_t i = 0; i < kBans; i++) {
    peers.push_back("10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256));
    indexes.push_back(lab.entry(FW_ENTRY_BAN, peers[i], 2 * kSecond, 2'000, 20));
    packets.push_back(udp(peers[i]));
  }
  constexpr std::uint64_t kRounds = 150, kStep = 20 * kMillisecond / kBans;  // 3 s, 53 a window
  for (std::uint64_t round = 1; round <= kRounds; round++)
    for (std::size_t i = 0; i < kBans; i++, lab.now_ns += kStep)
      ASSERT_EQ(lab.in(packets[i]), "drop ban") << peers[i] << " in round " << round;
  for (std::size_t i = 0; i < kBans; i++)
    ASSERT_EQ(lab.entry_of(peers[i])->dropped +
                  lab.datapath.pending_drops(static_cast<std::size_t>(indexes[i])),
              kRounds)
        << peers[i];
}

TEST(entries, an_entry_in_force_is_never_displaced_and_one_that_ended_is) {
  Lab lab({.sources = 64, .flows = 64, .bans = 32});  // 64 slots
  std::vector<std::string> put;
  for (int i = 0; i < 4096; i++) {
    const std::string peer = "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    if (lab.entry(FW_ENTRY_BAN, peer, 5 * kSecond) >= 0) put.push_back(peer);
  }
  EXPECT_EQ(put.size(), 64U);
  for (const std::string& peer : put) EXPECT_EQ(lab.in(udp(peer)), "drop ban") << peer;
  lab.now_ns += 5 * kSecond;
  EXPECT_GE(lab.entry(FW_ENTRY_BAN, "10.9.9.9", 5 * kSecond), 0);
  EXPECT_EQ(lab.in(udp("10.9.9.9")), "drop ban");
}

TEST(entries, all_bans_fit_at_the_configured_size) {
  Lab lab({.sources = 64, .flows = 64, .bans = 4096});
  int refused = 0;
  for (int i = 0; i < 4096; i++)
    refused += lab.entry(FW_ENTRY_BAN,
                         "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256)) < 0;
  EXPECT_EQ(refused, 0);
  const auto keys = lab.datapath.tables().entry_keys;
  int second = 0;
  for (std::size_t bucket = 0; bucket < keys.size(); bucket++)
    for (const fw_u64 key : keys[bucket].key)
      second += key != 0 && (key >> 1 & (keys.size() - 1)) != bucket ? 1 : 0;
  EXPECT_LT(second, 4096 * 6 / 100) << "few are not in their first bucket";
}

TEST(entries, every_remaining_entry_is_found_after_any_insertions_and_erasures) {
  Lab lab({.sources = 64, .flows = 64, .bans = 256});
  std::map<std::string, fw_s32> left;
  std::mt19937 engine(7);
  for (int i = 0; i < 20'000; i++) {
    const std::string peer = "10.0.0." + std::to_string(engine() % 256);
    if (const auto found = left.find(peer); found != left.end()) {
      fw_policy_entry_erase(&lab.datapath.env(), static_cast<fw_u32>(found->second));
      left.erase(found);
    } else {
      left[peer] = lab.entry(FW_ENTRY_BAN, peer);
      ASSERT_GE(left[peer], 0);
    }
    if (i % 500 == 0)
      for (int last = 0; last < 256; last++) {
        const std::string at = "10.0.0." + std::to_string(last);
        ASSERT_EQ(lab.in(udp(at)) == "drop ban", left.contains(at)) << at << " after " << i;
      }
  }
  for (const auto& [peer, index] : left)
    fw_policy_entry_erase(&lab.datapath.env(), static_cast<fw_u32>(index));
  for (const fw_entry_filter& filter : lab.datapath.tables().entry_filter)
    EXPECT_EQ(filter.bits & 0xfffe'fffe'fffe'fffe, 0U) << "no bit of a key is left";
}

// A denied address is looked up among the entries only where the protected-prefix bitmap has a bit.
TEST(entries, allowances_and_exemptions_of_any_length_win_over_a_deny_list) {
  struct Protection {
    const char *prefix, *denied;
  };
  for (const Protection& one : {Protection{"192.0.2.7", "192.0.2.7"},
                                {"192.0.2.0/24", "192.0.2.7"},
                                {"192.0.0.0/16", "192.0.2.7"},
                                {"192.0.0.0/10", "192.0.2.7"},
                                {"2001:db8:7::1", "2001:db8:7::1"},
                                {"2001:db8:7::/48", "2001:db8:7::1"},
                                {"2001:db8::/32", "2001:db8:7::1"},
                                {"2001::/16", "2001:db8:7::1"}})
    for (const fw_u8 kind : {FW_ENTRY_ALLOW, FW_ENTRY_EXEMPT}) {
      Lab lab;
      std::ranges::copy(std::array<fw_u8, 4>{128, 120, 112, 106}, lab.config.prefix_bits_v4);
      std::ranges::copy(std::array<fw_u8, 4>{128, 48, 32, 16}, lab.config.prefix_bits_v6);
      lab.config.lengths_v4 = lab.config.lengths_v6 = 4;
      lab.publish();
      lab.lists(one.denied, "");
      const std::string wins = kind == FW_ENTRY_ALLOW ? "pass allow" : "pass exempt";
      ASSERT_EQ(lab.in(udp(one.denied)), "drop deny");
      // A ban of the same prefix is overwritten: a prefix has one entry.
      ASSERT_GE(lab.entry(FW_ENTRY_BAN, one.prefix), 0);
      ASSERT_EQ(lab.in(udp(one.denied)), "drop deny");
      const fw_s32 index = lab.entry(kind, one.prefix);
      ASSERT_EQ(lab.in(udp(one.denied)), wins) << one.prefix;
      fw_policy_recompute_protected(&lab.datapath.env());
      ASSERT_EQ(lab.in(udp(one.denied)), wins) << one.prefix;
      fw_policy_entry_erase(&lab.datapath.env(), static_cast<fw_u32>(index));
      ASSERT_EQ(lab.in(udp(one.denied)), "drop deny");
      fw_policy_recompute_protected(&lab.datapath.env());
      for (const fw_entry_filter& word :
           lab.datapath.tables().entry_filter.last(FW_PROTECTED_WORDS))
        EXPECT_EQ(word.bits, 0U) << one.prefix;
    }
}

}  // namespace
}  // namespace fw::test
