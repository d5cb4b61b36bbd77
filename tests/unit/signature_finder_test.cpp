// SPDX-License-Identifier: MIT
// What a flood has in common and the baseline has not is found; nothing is found where innocent
// packets look the same.
#include "engine/detect/signature_finder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "policy/policy.h"

namespace fw::test {
namespace {

using engine::describe;
using engine::find_signatures;
using engine::FoundSignature;
using Samples = std::vector<fw_sample>;

// Numbers that are the same in every run.
class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  unsigned between(unsigned low, unsigned high) {
    return low + static_cast<unsigned>(engine_() % (high - low + 1));
  }
  std::uint64_t word() { return std::uint64_t{engine_()} << 32 | engine_(); }
  fw_u16 port() { return static_cast<fw_u16>(between(1024, 65535)); }

 private:
  std::mt19937 engine_;
};

fw_sample sample(std::uint8_t traffic_class, std::uint8_t proto, Dice& dice) {
  fw_sample out{};
  out.traffic_class = traffic_class;
  out.packet.proto = proto;
  out.packet.src.lo = 0xffff00000000ULL | (dice.word() & 0xffffffff);
  out.packet.dst.lo = 0xffffc0000201ULL;
  out.packet.sport = dice.port();
  out.packet.ttl = static_cast<fw_u8>(dice.between(40, 60));
  out.packet.l4_header_bytes = 8;
  return out;
}

fw_sample syn(Dice& dice, fw_u16 port, unsigned header, unsigned window) {
  fw_sample out = sample(FW_CLASS_TCP_SYN, 6, dice);
  out.served = 1;
  out.packet.dport = port;
  out.packet.tcp_flags = FW_TCP_SYN;
  out.packet.l4_header_bytes = static_cast<fw_u8>(header);
  out.packet.ip_len_bytes = 20 + header;
  out.packet.tcp_window = static_cast<fw_u16>(window);
  return out;
}

// The clients of an ordinary web server.
fw_sample client_syn(Dice& dice, fw_u16 port) {
  switch (dice.between(0, 3)) {
    case 0:
      return syn(dice, port, 40, 64240);
    case 1:
      return syn(dice, port, 40, 65535);
    case 2:
      return syn(dice, port, 44, 65535);
    default: {
      fw_sample out = syn(dice, port, 32, dice.between(0, 1) != 0 ? 64240 : 65535);
      out.packet.ttl = static_cast<fw_u8>(dice.between(108, 124));
      return out;
    }
  }
}

fw_sample udp(std::uint8_t traffic_class, Dice& dice, unsigned length, std::uint64_t payload_head) {
  fw_sample out = sample(traffic_class, 17, dice);
  out.packet.ip_len_bytes = length;
  out.packet.payload_bytes = static_cast<fw_u16>(length - 28);
  out.packet.payload_head = payload_head;
  return out;
}

// A query of 40 to 120 bytes with a number of its own, as of DNS.
fw_sample query(Dice& dice, fw_u16 port) {
  fw_sample out = udp(FW_CLASS_UDP_NEW, dice, dice.between(55, 110),
                      (dice.word() & 0xffff) << 48 | 0x0100000100000000ULL);
  out.served = 1;
  out.packet.dport = port;
  return out;
}

template <typename Make>
Samples many(std::size_t count, Make make) {
  Samples out;
  for (std::size_t i = 0; i < count; i++) out.push_back(make());
  return out;
}

Samples operator+(Samples left, const Samples& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

bool is_matched(const FoundSignature& found, const fw_sample& packet) {
  return (found.classes >> packet.traffic_class & 1) != 0 &&
         engine::matches(found.signature, fw_policy_match_key(&packet.packet));
}
std::size_t match_count(const std::vector<FoundSignature>& found, const Samples& packets) {
  return static_cast<std::size_t>(std::ranges::count_if(packets, [&](const fw_sample& one) {
    return std::ranges::any_of(found,
                               [&](const FoundSignature& each) { return is_matched(each, one); });
  }));
}

TEST(signature_finder, syn_flood_with_one_match_key_is_told_from_real_clients) {
  Dice dice(1);
  const Samples flood = many(900, [&] { return syn(dice, 443, 20, 512); });
  const Samples bystanders = many(100, [&] { return client_syn(dice, 443); });
  const Samples baseline = many(600, [&] { return client_syn(dice, 443); });
  const auto found = find_signatures(flood + bystanders, baseline);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(match_count(found, flood), 900U);
  EXPECT_EQ(match_count(found, bystanders), 0U);
  EXPECT_NEAR(found[0].excess_share, 0.9, 1e-9);
  EXPECT_EQ(found[0].baseline_share, 0);
  EXPECT_EQ(found[0].classes, 1U << FW_CLASS_TCP_SYN);
  EXPECT_EQ(found[0].text, "proto=tcp dport=443 header=20");
}

TEST(signature_finder, syn_flood_without_options_is_found_without_a_baseline) {
  Dice dice(2);
  const auto found = find_signatures(many(300, [&] { return syn(dice, 80, 20, 512); }), {});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(match_count(found, many(1000, [&] { return client_syn(dice, 80); })), 0U);
  EXPECT_GE(found[0].excess_share, 0.99);
}

TEST(signature_finder, syn_flood_that_equals_real_clients_has_no_signature) {
  Dice dice(3);
  const auto real = [&] { return client_syn(dice, 443); };
  EXPECT_TRUE(find_signatures(many(2000, real), many(2000, real)).empty());
  EXPECT_TRUE(find_signatures(many(2000, real), {}).empty());
}

TEST(signature_finder, usual_syn_is_never_a_signature_while_the_baseline_is_small) {
  struct Stack {
    const char* name;
    unsigned header, window, ttl;
  };
  constexpr std::array kStacks{
      Stack{"Linux", 40, 64240, 57},    Stack{"Android", 40, 65535, 52},
      Stack{"Windows", 32, 64240, 117}, Stack{"old Windows", 32, 8192, 113},
      Stack{"iPhone", 44, 65535, 49},   Stack{"beside us", 40, 64240, 64}};
  for (const Stack& stack : kStacks) {
    Dice dice(4);
    const auto crowd = [&] {
      fw_sample out = syn(dice, 443, stack.header, stack.window);
      out.packet.ttl = static_cast<fw_u8>(stack.ttl);
      return out;
    };
    EXPECT_TRUE(find_signatures(many(1000, crowd), {}).empty()) << stack.name;
    // Others were seen, but no more of them than chance can explain.
    const Samples few = many(150, [&] { return syn(dice, 443, 36, 14600); });
    EXPECT_TRUE(find_signatures(many(1000, crowd), few).empty()) << stack.name;
  }
}

TEST(signature_finder, baseline_of_one_source_shows_little_of_what_others_send) {
  Dice dice(5);
  const auto flood = many(500, [&] {
    fw_sample out = query(dice, 5000);
    out.packet.ip_len_bytes = 333;
    return out;
  });
  Samples baseline = many(1500, [&] { return query(dice, 5000); });
  EXPECT_EQ(find_signatures(flood, baseline).size(), 1U);
  for (fw_sample& one : baseline) one.packet.src.lo = 0xffffcb007101ULL;
  EXPECT_TRUE(find_signatures(flood, baseline).empty());
}

TEST(signature_finder, reflection_is_matched_by_source_port_and_payload) {
  Dice dice(6);
  const auto snmp = [&] {
    fw_sample out =
        udp(FW_CLASS_UDP_REFLECTED, dice, dice.between(600, 1400), 0x308200a202010104ULL);
    out.packet.sport = 161;
    out.packet.dport = dice.port();
    return out;
  };
  const auto cold = find_signatures(many(400, snmp), {});
  ASSERT_EQ(cold.size(), 1U);
  EXPECT_EQ(cold[0].text, "proto=udp sport=161 payload=0x308200a202010104");
  EXPECT_EQ(cold[0].excess_share, 1);

  const auto answer = [&] {
    fw_sample out = udp(FW_CLASS_UDP_REPLY, dice, dice.between(80, 500), dice.word());
    out.packet.sport = 53;
    return out;
  };
  const auto warm = find_signatures(many(400, snmp), many(500, answer));
  ASSERT_EQ(warm.size(), 1U);
  EXPECT_EQ(warm[0].text, "proto=udp sport=161");
}

TEST(signature_finder, reflected_dns_does_not_take_this_hosts_own_dns_with_it) {
  Dice dice(7);
  const auto flood = many(500, [&] {
    fw_sample out = udp(FW_CLASS_UDP_REFLECTED, dice, 1428, dice.word());
    out.packet.sport = 53;
    return out;
  });
  const Samples own = many(900, [&] {
    fw_sample out = udp(FW_CLASS_UDP_REPLY, dice, dice.between(80, 500), dice.word());
    out.packet.sport = 53;
    return out;
  });
  const auto found = find_signatures(flood, own);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].text, "proto=udp len=1428");
  EXPECT_EQ(match_count(found, own), 0U);
}

TEST(signature_finder, fixed_payload_on_a_served_port_is_found_beside_real_clients) {
  Dice dice(8);
  const auto flood = many(800, [&] {
    fw_sample out = query(dice, 53);
    out.packet.payload_head = 0x5858585858585858ULL;
    return out;
  });
  const Samples baseline = many(800, [&] { return query(dice, 53); });
  const Samples bystanders = many(200, [&] { return query(dice, 53); });
  const auto found = find_signatures(flood + bystanders, baseline);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].text, "proto=udp dport=53 payload=0x5858585858585858");
  EXPECT_EQ(match_count(found, bystanders), 0U);
  // With nothing to compare, it may just as well be what this service's clients send.
  EXPECT_TRUE(find_signatures(flood, {}).empty());
}

TEST(signature_finder, fixed_length_is_enough_where_the_baseline_has_others) {
  Dice dice(9);
  const auto flood = many(800, [&] {
    fw_sample out = query(dice, 53);
    out.packet.ip_len_bytes = 1052;
    out.packet.payload_head = dice.word();
    return out;
  });
  const auto found = find_signatures(flood, many(800, [&] { return query(dice, 53); }));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].text, "proto=udp dport=53 len=1052");
  EXPECT_TRUE(find_signatures(flood, many(50, [&] { return query(dice, 53); })).empty());
}

TEST(signature_finder, baseline_of_another_service_does_not_count_for_this_one) {
  Dice dice(10);
  const auto flood = many(800, [&] {
    fw_sample out = query(dice, 27015);
    out.packet.ip_len_bytes = 53;
    out.packet.payload_head = 0xffffffff54536f75ULL;
    return out;
  });
  EXPECT_TRUE(find_signatures(flood, many(1500, [&] { return query(dice, 53); })).empty());
}

TEST(signature_finder, three_vectors_at_once_are_three_signatures) {
  Dice dice(11);
  const auto bare = many(500, [&] { return syn(dice, 443, 20, 512); });
  const auto snmp = many(400, [&] {
    fw_sample out = udp(FW_CLASS_UDP_REFLECTED, dice, 1428, 0x3082059402010104ULL);
    out.packet.sport = 161;
    return out;
  });
  const auto stuffed = many(300, [&] {
    fw_sample out = query(dice, 53);
    out.packet.ip_len_bytes = 1052;
    return out;
  });
  const Samples baseline =
      many(600, [&] { return client_syn(dice, 443); }) + many(600, [&] { return query(dice, 53); });
  const auto found = find_signatures(bare + snmp + stuffed, baseline);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(match_count(found, bare + snmp + stuffed), 1200U);
  EXPECT_EQ(match_count(found, baseline), 0U);
}

TEST(signature_finder, two_floods_of_one_class_are_two_signatures) {
  Dice dice(12);
  const auto first = many(500, [&] { return syn(dice, 443, 20, 512); });
  const auto second = many(300, [&] {
    fw_sample out = syn(dice, 443, 40, 14600);
    out.packet.ttl = 243;
    out.packet.tcp_window = 1;
    return out;
  });
  const Samples baseline = many(600, [&] { return client_syn(dice, 443); });
  const auto found = find_signatures(first + second, baseline);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(match_count(found, first), 500U);
  EXPECT_EQ(match_count(found, second), 300U);
  EXPECT_NEAR(found[0].excess_share, 500.0 / 800, 1e-9);
}

TEST(signature_finder, one_flood_against_two_services_is_one_signature) {
  Dice dice(13);
  const Samples flood = many(400, [&] { return syn(dice, 443, 20, 512); }) +
                        many(300, [&] { return syn(dice, 80, 20, 512); });
  const auto found = find_signatures(flood, many(600, [&] { return client_syn(dice, 443); }));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].text, "proto=tcp header=20");
  EXPECT_EQ(match_count(found, flood), 700U);
}

TEST(signature_finder, baseline_that_looks_like_the_flood_leaves_no_signature) {
  Dice dice(14);
  const auto flood = many(900, [&] { return syn(dice, 443, 20, 512); });
  const Samples baseline = many(600, [&] { return client_syn(dice, 443); }) +
                           many(12, [&] { return syn(dice, 443, 20, 512); });
  EXPECT_TRUE(find_signatures(flood, baseline).empty());
}

TEST(signature_finder, further_field_is_added_only_where_the_baseline_needs_it) {
  Dice dice(15);
  const auto flood = many(900, [&] { return syn(dice, 443, 20, 64240); });
  const Samples baseline = many(500, [&] { return client_syn(dice, 443); }) +
                           many(100, [&] { return syn(dice, 443, 20, 1024); });
  const auto found = find_signatures(flood, baseline);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].baseline_share, 0);
  EXPECT_EQ(found[0].text, "proto=tcp dport=443 header=20 window=64240");
}

TEST(signature_finder, part_that_looks_alike_does_not_make_the_whole_a_flood) {
  Dice dice(16);
  const Samples crowd = many(700, [&] { return client_syn(dice, 443); }) +
                        many(300, [&] { return syn(dice, 443, 20, 512); });
  EXPECT_TRUE(find_signatures(crowd, many(900, [&] { return client_syn(dice, 443); })).empty());
}

TEST(signature_finder, few_samples_are_no_evidence) {
  Dice dice(17);
  const auto bare = [&] { return syn(dice, 443, 20, 512); };
  EXPECT_TRUE(find_signatures({}, {}).empty());
  EXPECT_TRUE(find_signatures({}, many(500, [&] { return client_syn(dice, 443); })).empty());
  EXPECT_TRUE(find_signatures(many(1, bare), {}).empty());
  EXPECT_TRUE(find_signatures(many(63, bare), {}).empty());
  EXPECT_EQ(find_signatures(many(64, bare), {}).size(), 1U);
}

TEST(signature_finder, stream_of_few_senders_is_no_flood) {
  Dice dice(21);
  Samples streams = many(1000, [&] {
    fw_sample out = udp(FW_CLASS_UDP_NEW, dice, dice.between(100, 1200), dice.word());
    out.packet.sport = 16476;
    out.packet.dport = 60282;
    return out;
  });
  EXPECT_EQ(find_signatures(streams, {}).size(), 1U);
  for (std::size_t i = 0; i < streams.size(); i++)
    streams[i].packet.src.lo = 0xffffcb007101ULL + i % 7;
  EXPECT_TRUE(find_signatures(streams, {}).empty());
}

TEST(signature_finder, more_samples_than_it_looks_at_change_nothing) {
  Dice dice(20);
  const Samples baseline = many(20'000, [&] { return client_syn(dice, 443); });
  const auto few = find_signatures(many(1000, [&] { return syn(dice, 443, 20, 512); }), baseline);
  const auto lots =
      find_signatures(many(50'000, [&] { return syn(dice, 443, 20, 512); }), baseline);
  ASSERT_EQ(few.size(), 1U);
  ASSERT_EQ(lots.size(), 1U);
  EXPECT_EQ(few[0].text, lots[0].text);
}

TEST(signature_finder, same_samples_give_the_same_signatures) {
  Dice dice(18);
  const Samples flood = many(500, [&] { return syn(dice, 443, 20, 512); }) +
                        many(500, [&] { return query(dice, 53); });
  const Samples baseline = many(600, [&] { return client_syn(dice, 443); });
  const auto first = find_signatures(flood, baseline);
  const auto second = find_signatures(flood, baseline);
  ASSERT_EQ(first.size(), second.size());
  for (std::size_t i = 0; i < first.size(); i++) EXPECT_EQ(first[i].text, second[i].text);
}

TEST(signature_finder, random_fields_of_a_flood_are_not_matched) {
  Dice dice(19);
  const auto flood = many(4000, [&] {
    fw_sample out = syn(dice, 443, 20, dice.between(0, 65535));
    out.packet.ttl = static_cast<fw_u8>(dice.between(1, 255));
    return out;
  });
  const auto found = find_signatures(flood, many(600, [&] { return client_syn(dice, 443); }));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].excess_share, 1);
  const auto later = many(500, [&] { return syn(dice, 443, 20, dice.between(0, 65535)); });
  EXPECT_EQ(match_count(found, later), 500U);
}

TEST(signature_finder, fields_are_written_in_words) {
  using engine::add_field;
  using engine::HeaderField;
  struct Case {
    std::uint8_t proto;
    std::vector<engine::MatchField> fields;
    std::string words;
  };
  const std::vector<Case> cases{
      {17,
       {{HeaderField::sport, 16, 161}, {HeaderField::length, 16, 1428}},
       "proto=udp sport=161 len=1428"},
      {6,
       {{HeaderField::flags, 8, FW_TCP_SYN | FW_TCP_ACK}, {HeaderField::ttl, 8, 243}},
       "proto=tcp flags=syn,ack ttl=243"},
      {6,
       {{HeaderField::header, 8, 20}, {HeaderField::window, 16, 0}},
       "proto=tcp header=20 window=0"},
      {58,
       {{HeaderField::icmp, 16, 0x8100}, {HeaderField::family, 4, 1}},
       "proto=icmpv6 ip=6 icmp=129/0"},
      {1, {{HeaderField::icmp, 8, 3}}, "proto=icmp icmp=3"},
      {17,
       {{HeaderField::payload, 16, 0x00ff}, {HeaderField::dport, 16, 53}},
       "proto=udp dport=53 payload=0x00ff"},
      {17,
       {{HeaderField::payload, 64, 1}, {HeaderField::fragment, 4, FW_FRAG_FIRST}},
       "proto=udp frag=first payload=0x0000000000000001"},
      {6, {{HeaderField::ttl, 2, 3}}, "proto=tcp ttl=0xc0/0xc0"},
      {99, {}, "proto=99"},
  };
  for (const Case& one : cases) {
    fw_signature signature = engine::protocol_signature(one.proto);
    for (const engine::MatchField& field : one.fields) add_field(signature, field);
    EXPECT_EQ(describe(signature), one.words);
  }
  EXPECT_EQ(describe(fw_signature{}), "any");
}

}  // namespace
}  // namespace fw::test
