// SPDX-License-Identifier: MIT
// The list image against an obvious model, at every edge and on random sets of both families; its
// size, its cost in lines, and the time it takes to build.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "abi/list_image.h"
#include "datapath/address_key.hpp"
#include "harness/list_find.h"
#include "lists/image.hpp"
#include "lists/list_file.hpp"
#include "lists/segments.hpp"

namespace {

using fw::Address;
using fw::lists::build_image;
using fw::lists::Range;

constexpr unsigned kDeny = FW_LIST_DENY, kAllow = FW_LIST_ALLOW;

// The model: look at every range.
unsigned model(std::span<const Range> deny, std::span<const Range> allow, const Address& address) {
  const auto on = [&](std::span<const Range> list) {
    for (const Range& range : list)
      if (range.first <= address && address <= range.last && range.first.is_v4() == address.is_v4())
        return true;
    return false;
  };
  return (on(deny) ? kDeny : 0) | (on(allow) ? kAllow : 0);
}

struct Image {
  std::vector<std::byte> bytes;
  mutable fw_u32 looked_at = 0;

  Image(std::span<const Range> deny, std::span<const Range> allow)
      : bytes(build_image(deny, allow).value()) {}
  [[nodiscard]] unsigned find(const Address& address) const {
    return list_find(bytes.data(), static_cast<fw_u32>(bytes.size() / FW_LINE_BYTES),
                     key_of(address), &looked_at);
  }
  [[nodiscard]] const fw_list_header& header() const {
    return *reinterpret_cast<const fw_list_header*>(bytes.data() +
                                                    std::size_t{FW_LIST_HEADER} * FW_LINE_BYTES);
  }
};

std::vector<Range> ranges(std::initializer_list<const char*> lines) {
  std::vector<Range> out;
  for (const char* line : lines) {
    const auto parsed = fw::lists::parse_line(line);
    EXPECT_EQ(parsed.kind, fw::lists::Line::Kind::entry) << line << parsed.problem;
    out.push_back({parsed.entry.first, parsed.entry.last});
  }
  return out;
}

Address address(std::string_view text) {
  return Address::parse(text).value();
}

// The first and last address of every range, their neighbours, and the ends of the space.
std::vector<Address> edges(std::span<const Range> deny, std::span<const Range> allow) {
  std::vector<Address> out{{0, 0}, {~0ULL, ~0ULL}, Address::v4(0), Address::v4(~0U)};
  for (const auto list : {deny, allow})
    for (const Range& range : list)
      for (const Address& at : {range.first, range.last}) {
        out.push_back(at);
        out.push_back(fw::lists::next(at));
        out.push_back(fw::lists::previous(at));
        out.push_back({at.hi ^ 1, at.lo});
        out.push_back({at.hi, at.lo ^ 1ULL << 40});
        out.push_back({at.hi, at.lo ^ 0x100});
        out.push_back({at.hi, at.lo ^ 0x10000});
      }
  return out;
}

// One address in each of many /16s, with a lower half that is nowhere else in this file: a list of
// these is short, and remains so if some of its blocks are crowded.
std::vector<Range> scattered() {
  std::vector<Range> out;
  for (std::uint32_t i = 0; i < 8192; i++)
    out.push_back({Address::v4(i << 18 | 0x5d5d), Address::v4(i << 18 | 0x5d5d)});
  return out;
}

// In whatever cells they come to, and in a list that is short with them.
void expect_like_model(std::span<const Range> deny, std::span<const Range> allow,
                       const std::string& what) {
  std::vector<Range> more = scattered();
  more.insert(more.end(), deny.begin(), deny.end());
  const Image image{deny, allow}, among_others{more, allow};
  for (const Address& at : edges(deny, allow)) {
    ASSERT_EQ(image.find(at), model(deny, allow, at)) << what << ": " << at.text();
    ASSERT_EQ(among_others.find(at), model(deny, allow, at)) << what << ", short: " << at.text();
  }
}

TEST(list_image, of_no_entries_is_empty_and_lists_nobody) {
  const Image image{{}, {}};
  EXPECT_TRUE(image.bytes.empty());
  EXPECT_EQ(image.find(address("192.0.2.1")), 0U);
  const std::vector<std::byte> zeroes(4096);
  fw_u32 looked_at = 0;
  EXPECT_EQ(list_find(zeroes.data(), 64, key_of(address("0.0.0.0")), &looked_at), 0U);
  EXPECT_EQ(list_find(zeroes.data(), 64, key_of(address("::")), &looked_at), 0U);
}

TEST(list_image, gives_the_model_s_answer_at_every_edge) {
  const std::vector<std::pair<std::vector<Range>, std::vector<Range>>> cases{
      {ranges({"192.0.2.1"}), {}},
      {ranges({"0.0.0.0", "255.255.255.255"}), {}},
      {ranges({"0.0.0.0/0"}), ranges({"10.0.0.0/8", "10.1.2.3"})},
      {ranges({"0.0.0.0/0"}), ranges({"0.0.0.0/0"})},
      {ranges({"0.0.0.0/1"}), ranges({"127.255.255.255-128.0.0.0"})},
      {ranges({"10.0.0.250-10.0.3.5"}), ranges({"10.0.1.0/24", "10.0.2.128/25"})},
      {ranges({"9.255.255.254-10.0.0.1", "10.255.255.255-11.0.0.0"}), {}},
      {ranges({"10.0.0.1", "10.0.0.3", "10.0.0.5", "10.0.0.7", "10.0.0.9-10.0.0.200"}),
       ranges({"10.0.0.5-10.0.0.8", "10.0.0.255"})},
      {ranges({"10.0.0.1", "10.0.0.1", "10.0.0.0/30", "10.0.0.4/30", "10.0.0.0/24"}), {}},
      {ranges({"::/0"}), ranges({"10.0.0.0/8", "2001:db8::1"})},
      {ranges({"2000::/3"}), ranges({"2001:db8::/32", "2001:db8:0:1::/64", "2001:db8::5"})},
      {ranges({"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}), {}},
      {ranges({"2001:db8::1-2001:db8::ffff", "2001:db8::ffff:0-2001:db9::3"}),
       ranges({"2001:db8:ffff:ffff:ffff:ffff:ffff:fffe-2001:db9::1"})},
      {ranges({"::1-fe80::"}), ranges({"0.0.0.1-0.0.1.0"})},
      {{}, ranges({"8000::/1", "0.0.0.0/1"})},
      {ranges({"::fffe:ffff:ffff", "::1:0:0:0"}), ranges({"::ffff:0.0.0.0/96"})},
  };
  for (std::size_t i = 0; i < cases.size(); i++) {
    expect_like_model(cases[i].first, cases[i].second, "case " + std::to_string(i));
    expect_like_model(cases[i].second, cases[i].first, "swapped case " + std::to_string(i));
  }
}

TEST(list_image, an_ipv6_entry_around_everything_spares_ipv4) {
  const Image image{ranges({"::/0"}), {}};
  EXPECT_EQ(image.find(address("10.1.2.3")), 0U);
  EXPECT_EQ(image.find(address("2001:db8::1")), kDeny);
}

TEST(list_image, knows_every_prefix_length) {
  for (unsigned bits = 0; bits <= 128; bits++) {
    const Address first = fw::masked(address("2001:db8:1234:5678:9abc:def0:1234:5678"), bits);
    const Address host = fw::masked({~0ULL, ~0ULL}, bits);
    const std::vector<Range> list{{first, {first.hi | ~host.hi, first.lo | ~host.lo}}};
    expect_like_model(list, {}, "IPv6 /" + std::to_string(bits));
    expect_like_model(list, ranges({"2001:db8:1234:5678:9abc:def0:1234:5678", "2001:db8::/33"}),
                      "IPv6 with allow, /" + std::to_string(bits));
  }
  for (unsigned bits = 96; bits <= 128; bits++) {
    const Address first = fw::masked(address("203.0.113.77"), bits);
    const Address host = fw::masked({~0ULL, ~0ULL}, bits);
    const std::vector<Range> list{{first, {first.hi | ~host.hi, first.lo | ~host.lo}}};
    expect_like_model(list, {}, "IPv4 /" + std::to_string(bits - 96));
    expect_like_model(list, ranges({"203.0.113.77", "203.0.112.0/23"}),
                      "IPv4 with allow, /" + std::to_string(bits - 96));
  }
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t end) { return engine_() % end; }
  std::uint64_t word() { return engine_(); }

  // Crowded on purpose: few values of each part, so that ranges meet.
  Address v4() {
    const auto byte = [&] { return static_cast<std::uint32_t>(word() & 255); };
    const std::uint32_t base = below(4) == 0 ? byte() << 24 : 10U << 24;
    return Address::v4(base | static_cast<std::uint32_t>(below(3)) << 16 |
                       static_cast<std::uint32_t>(below(4)) << 8 | byte());
  }
  Address v6() {
    return {0x2001'0db8'0000'0000ULL | below(3) << 32 | below(3),
            below(2) == 0 ? below(40) : word()};
  }
  Range range(bool is_v4) {
    const Address first = is_v4 ? v4() : v6();
    if (below(3) == 0) {
      const Address other = is_v4 ? v4() : v6();
      return {std::min(first, other), std::max(first, other)};
    }
    const unsigned bits = static_cast<unsigned>(is_v4 ? 96 + 10 + below(23) : 20 + below(109));
    const Address host = fw::masked({~0ULL, ~0ULL}, bits);
    const Address low = fw::masked(first, bits);
    return {low, {low.hi | ~host.hi, low.lo | ~host.lo}};
  }

 private:
  std::mt19937_64 engine_;
};

TEST(list_image, gives_the_model_s_answer_on_random_sets) {
  for (std::uint64_t seed = 1; seed <= 50; seed++) {
    Random random{seed};
    std::vector<Range> deny, allow;
    for (std::uint64_t i = random.below(60); i > 0; i--)
      deny.push_back(random.range(random.below(2) == 0));
    for (std::uint64_t i = random.below(20); i > 0; i--)
      allow.push_back(random.range(random.below(2) == 0));
    expect_like_model(deny, allow, "seed " + std::to_string(seed));
    const Image image{deny, allow};
    for (int i = 0; i < 500; i++) {
      const Address at = i % 2 == 0 ? random.v4() : random.v6();
      ASSERT_EQ(image.find(at), model(deny, allow, at)) << "seed " << seed << ": " << at.text();
    }
  }
}

TEST(list_image, is_the_same_for_the_same_entries_in_any_order) {
  Random random{7};
  std::vector<Range> deny, allow;
  for (int i = 0; i < 5000; i++) deny.push_back(random.range(i % 2 == 0));
  for (int i = 0; i < 500; i++) allow.push_back(random.range(i % 2 == 0));
  const auto image = build_image(deny, allow).value();
  std::shuffle(deny.begin(), deny.end(), std::mt19937{1});
  std::shuffle(allow.begin(), allow.end(), std::mt19937{2});
  EXPECT_EQ(build_image(deny, allow).value(), image);
}

TEST(list_image, of_a_short_list_is_small) {
  const Image v4{ranges({"192.0.2.1"}), {}};
  EXPECT_LE(v4.bytes.size(), 4360U << 10);
  EXPECT_EQ(v4.header().v6_tree, 0U);
  const Image v6{ranges({"2001:db8::/32"}), {}};
  EXPECT_LE(v6.bytes.size(), 4360U << 10);
  EXPECT_EQ(v6.find(address("192.0.2.1")), 0U);
}

// Up to what fits in one line, and just beyond: addresses, ranges, both lists.
TEST(list_image, divides_a_block_where_a_line_has_no_room) {
  const auto singles = [](std::uint32_t count, std::uint32_t step) {
    std::vector<Range> out;
    for (std::uint32_t i = 0; i < count; i++)
      out.push_back({Address::v4(0xc000'0000 + i * step), Address::v4(0xc000'0000 + i * step)});
    return out;
  };
  const auto wide = [](std::uint32_t count, std::uint32_t step) {
    std::vector<Range> out;
    for (std::uint32_t i = 0; i < count; i++)
      out.push_back({Address::v4(0xc000'0001 + i * step), Address::v4(0xc000'0003 + i * step)});
    return out;
  };
  const auto most_lines = [](std::span<const Range> deny, std::span<const Range> allow) {
    const Image image{deny, allow};
    fw_u32 most = 0;
    for (const Address& at : edges(deny, allow)) {
      if (!at.is_v4()) continue;
      static_cast<void>(image.find(at));
      most = std::max(most, image.looked_at);
    }
    return most;
  };
  for (const std::uint32_t count : {1U, 2U, 7U, 8U, 14U, 15U, 16U, 32U, 33U, 100U, 128U})
    for (const std::uint32_t step : {5U, 257U, 511U, 2047U, 4095U}) {
      const std::string what = std::to_string(count) + " every " + std::to_string(step);
      expect_like_model(singles(count, step), {}, what);
      expect_like_model(wide(count, step), {}, "ranges, " + what);
      expect_like_model(singles(count, step), wide(count, step), "both, " + what);
      expect_like_model(wide(count, step), singles(count / 2, 2 * step), "apart, " + what);
    }
  EXPECT_EQ(most_lines(singles(14, 2048), {}), 2U) << "filter and cell";
  EXPECT_EQ(most_lines(singles(15, 2048), {}), 3U) << "and a cell of a node";
  EXPECT_EQ(most_lines(wide(7, 4096), {}), 2U);
  EXPECT_EQ(most_lines(wide(8, 4096), {}), 3U);
  EXPECT_EQ(most_lines(singles(16, 128), {}), 4U) << "and of another";
  EXPECT_EQ(most_lines(singles(60, 2), {}), 5U) << "and a bitmap";
}

TEST(list_image, has_larger_cells_where_they_have_room) {
  const auto is_short = [](std::span<const Range> deny) {
    const Image image{deny, {}};
    return reinterpret_cast<const fw_list_header*>(image.bytes.data() +
                                                   std::size_t{FW_LIST_HEADER} * FW_LINE_BYTES)
        ->is_short;
  };
  EXPECT_EQ(is_short(ranges({"192.0.2.1"})), 1U);
  auto list = scattered();
  EXPECT_EQ(is_short(list), 1U);
  for (std::uint32_t i = 0; i < 1100; i++)  // of one /16: an eighth of the list
    list.push_back({Address::v4(2 * i), Address::v4(2 * i)});
  EXPECT_EQ(is_short(list), 1U);
  for (std::uint32_t i = 0; i < 200; i++)
    list.push_back({Address::v4(0x0a00'0000 + 2 * i), Address::v4(0x0a00'0000 + 2 * i)});
  EXPECT_EQ(is_short(list), 0U);
}

TEST(list_image, finds_what_is_listed_of_a_64) {
  const auto hosts = [](std::uint64_t count, std::uint64_t step) {
    std::vector<Range> out;
    for (std::uint64_t i = 0; i < count; i++) {
      const Address at{0x2001'0db8'0000'0000, 0x7fff'ffff'ffff'ff00 + i * step};
      out.push_back({at, at});
    }
    return out;
  };
  for (const std::uint64_t count : {1U, 2U, 5U, 6U, 40U, 41U, 700U})
    for (const std::uint64_t step : {2U, 64U, 1U << 20}) {
      const std::string what = std::to_string(count) + " every " + std::to_string(step);
      expect_like_model(hosts(count, step), {}, what);
      expect_like_model(hosts(count, step), hosts(count / 2 + 1, 2 * step), "both, " + what);
      expect_like_model(hosts(count, step), ranges({"2001:db8::/64"}), "in a listed one, " + what);
    }
}

// Sorted and disjoint, so the model can be a binary search.
unsigned search(std::span<const Range> sorted, const Address& at) {
  auto after = std::upper_bound(sorted.begin(), sorted.end(), at,
                                [](const Address& a, const Range& r) { return a < r.first; });
  if (after == sorted.begin()) return 0;
  return at <= std::prev(after)->last ? kDeny : 0;
}

TEST(list_image, of_a_million_ipv4_addresses_is_small_and_quick) {
  std::mt19937_64 engine{1};
  const auto random_v4 = [&] { return Address::v4(static_cast<std::uint32_t>(engine())); };
  std::vector<Range> deny(1'000'000);
  for (Range& range : deny) range.first = range.last = random_v4();
  const auto begin = std::chrono::steady_clock::now();
  const Image image{deny, {}};
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  RecordProperty("seconds", std::to_string(taken.count()));
  RecordProperty("bytes", std::to_string(image.bytes.size()));
  EXPECT_LE(image.bytes.size(), 6U << 20);

  std::sort(deny.begin(), deny.end(), [](auto& a, auto& b) { return a.first < b.first; });
  std::uint64_t lines = 0;
  for (int i = 0; i < 200'000; i++) {
    const Address at = i % 2 == 0 ? random_v4() : deny[engine() % deny.size()].first;
    ASSERT_EQ(image.find(at), search(deny, at)) << at.text();
    lines += image.looked_at;
    ASSERT_LE(image.looked_at, 4U);
  }
  EXPECT_LT(static_cast<double>(lines) / 200'000, 1.8) << "filter, and often a cell";
}

TEST(list_image, of_a_million_ipv6_prefixes_is_right_and_bounded) {
  std::mt19937_64 engine{1};
  std::vector<Range> deny(1'000'000);
  constexpr std::array<unsigned, 5> kLengths{40, 48, 56, 64, 128};
  for (Range& range : deny) {
    const unsigned bits = kLengths[engine() % kLengths.size()];
    const Address host = fw::masked({~0ULL, ~0ULL}, bits);
    range.first = fw::masked({0x2000'0000'0000'0000ULL | engine() >> 16 << 12, engine()}, bits);
    range.last = {range.first.hi | ~host.hi, range.first.lo | ~host.lo};
  }
  const auto begin = std::chrono::steady_clock::now();
  const Image image{deny, {}};
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  RecordProperty("seconds", std::to_string(taken.count()));
  RecordProperty("bytes", std::to_string(image.bytes.size()));
  EXPECT_LE(image.bytes.size(), 24U << 20);

  for (int i = 0; i < 100'000; i++) {
    const Range& range = deny[engine() % deny.size()];
    ASSERT_EQ(image.find(range.first), kDeny) << range.first.text();
    ASSERT_EQ(image.find(range.last), kDeny) << range.last.text();
    ASSERT_LE(image.looked_at, 10U) << "header, filter, seven of the tree, a lower half";
  }
  std::uint64_t lines = 0;
  for (int i = 0; i < 100'000; i++) {
    const Address at{0x4000'0000'0000'0000ULL | engine() >> 4, engine()};
    ASSERT_EQ(image.find(at), 0U);
    lines += image.looked_at;
  }
  EXPECT_LT(static_cast<double>(lines) / 100'000, 4) << "the filter answers for most";
}

}  // namespace
