// SPDX-License-Identifier: MIT
// Addresses, prefixes, units and files: what is accepted, what is refused and what is said about
// it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "base/address.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/nearest.hpp"
#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "base/version.hpp"

namespace {

using fw::Address;
using fw::Prefix;

Address address(std::string_view text) {
  return Address::parse(text).value();
}

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "fw-base-XXXXXX").native();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST(errors, errno_is_written_as_a_sentence) {
  const auto error = fw::fail_errno("cannot read x", ENOENT);
  EXPECT_EQ(error.error().message, "cannot read x: No such file or directory");
  EXPECT_EQ(error.error().kind, fw::ErrorKind::failed);
}

TEST(version, comes_from_the_project) {
  EXPECT_EQ(fw::kVersion, FLOODWALL_VERSION);
}

TEST(addresses, are_read_and_written_in_their_canonical_form) {
  constexpr std::array<std::pair<const char*, const char*>, 10> kCases{{
      {"192.0.2.1", "192.0.2.1"},
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"::ffff:c000:201", "192.0.2.1"},
      {"::", "::"},
      {"::1", "::1"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
  }};
  for (const auto& [text, canonical] : kCases) {
    const auto parsed = Address::parse(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->text(), canonical);
    std::array<unsigned char, 16> bytes{};
    parsed->to_bytes(bytes.data());
    EXPECT_EQ(Address::from_bytes(bytes.data()), *parsed) << text;
  }
  EXPECT_EQ(address("10.1.2.3").v4_number(), 0x0a010203U);
  EXPECT_TRUE(address("10.1.2.3").is_v4());
  EXPECT_FALSE(address("::10.1.2.3").is_v4());
}

TEST(addresses, refuse_everything_else) {
  using namespace std::string_view_literals;
  for (const auto text :
       {""sv, "1.2.3"sv, "1.2.3.4.5"sv, "1.2.3.256"sv, "01.2.3.4"sv, "1.2.3.4 "sv, "1..2.3"sv,
        ".1.2.3"sv, "1.2.3.4/8"sv, "localhost"sv, ":"sv, ":::"sv, "1::2::3"sv, "fe80::1%eth0"sv,
        "2001:db8::12345"sv, "1.2.3.4\0"sv, "::1\0"sv, "1.2.3.0004"sv, "99999999999.1.1.1"sv}) {
    const auto parsed = Address::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, fw::ErrorKind::usage);
  }
  EXPECT_EQ(Address::parse("1.2.3").error().message,
            "\"1.2.3\" is not an address: write it like 192.0.2.1 or 2001:db8::1");
}

TEST(addresses, that_are_never_the_key_of_a_ban_are_known) {
  for (const char* text :
       {"0.0.0.0", "::", "127.0.0.1", "127.255.0.1", "::1", "224.0.0.1", "239.255.255.255",
        "ff02::1", "169.254.1.1", "fe80::1", "febf::1", "255.255.255.255"})
    EXPECT_TRUE(fw::is_special(address(text))) << text;
  for (const char* text : {"0.0.0.1", "126.0.0.1", "128.0.0.1", "223.255.255.255", "240.0.0.1",
                           "169.253.1.1", "10.0.0.1", "::2", "fec0::1", "fe7f::1", "2001:db8::1"})
    EXPECT_FALSE(fw::is_special(address(text))) << text;
}

TEST(addresses, are_masked_in_the_mapped_form) {
  const Address all{~0ULL, ~0ULL};
  EXPECT_EQ(fw::masked(all, 0), (Address{0, 0}));
  EXPECT_EQ(fw::masked(all, 1), (Address{1ULL << 63, 0}));
  EXPECT_EQ(fw::masked(all, 64), (Address{~0ULL, 0}));
  EXPECT_EQ(fw::masked(all, 65), (Address{~0ULL, 1ULL << 63}));
  EXPECT_EQ(fw::masked(all, 128), all);
  EXPECT_EQ(fw::masked(address("192.0.2.77"), 120), address("192.0.2.0"));
}

TEST(prefixes, are_read_and_written) {
  struct Case {
    const char* text;
    const char* canonical;
    unsigned bits;
  };
  for (const Case& c : std::initializer_list<Case>{{"10.0.0.0/8", "10.0.0.0/8", 104},
                                                   {"10.1.2.3", "10.1.2.3", 128},
                                                   {"10.1.2.3/32", "10.1.2.3", 128},
                                                   {"0.0.0.0/0", "0.0.0.0/0", 96},
                                                   {"2001:db8::/32", "2001:db8::/32", 32},
                                                   {"::/0", "::/0", 0},
                                                   {"2000::/3", "2000::/3", 3},
                                                   {"2001:db8::1", "2001:db8::1", 128},
                                                   {"::ffff:10.0.0.0/104", "10.0.0.0/8", 104},
                                                   {"::ffff:0.0.0.0/96", "0.0.0.0/0", 96}}) {
    const auto prefix = Prefix::parse(c.text);
    ASSERT_TRUE(prefix) << c.text << ": " << prefix.error().message;
    EXPECT_EQ(prefix->text(), c.canonical);
    EXPECT_EQ(prefix->bits, c.bits) << c.text;
  }
}

TEST(prefixes, with_host_bits_name_the_one_that_was_meant) {
  EXPECT_EQ(Prefix::parse("10.1.2.3/8").error().message,
            "\"10.1.2.3/8\" has bits set beyond its prefix length: did you mean 10.0.0.0/8 or "
            "10.1.2.3?");
  EXPECT_EQ(Prefix::parse("2001:db8::1/32").error().message,
            "\"2001:db8::1/32\" has bits set beyond its prefix length: did you mean 2001:db8::/32 "
            "or 2001:db8::1?");
  EXPECT_EQ(Prefix::parse("::/80").error().message,
            "\"::/80\" ends with the IPv4 addresses (::ffff:0:0/96): write 0.0.0.0/0 for these, or "
            "::/0 for all of IPv6");
  EXPECT_EQ(Prefix::parse("10.0.0.0/33").error().message,
            "\"10.0.0.0/33\": the prefix length must be 0 to 32");
  for (const char* text : {"10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "::/129", "10.0.0.0/8/8"})
    EXPECT_FALSE(Prefix::parse(text)) << text;
}

TEST(prefixes, contain_what_is_below_them) {
  const Prefix ten = Prefix::parse("10.0.0.0/8").value();
  EXPECT_TRUE(ten.contains(address("10.255.0.1")));
  EXPECT_FALSE(ten.contains(address("11.0.0.0")));
  EXPECT_TRUE(ten.contains(Prefix::parse("10.4.0.0/16").value()));
  EXPECT_FALSE(Prefix::parse("10.4.0.0/16").value().contains(ten));
  EXPECT_FALSE(Prefix::parse("::/0").value().contains(ten)) << "a prefix has a family";
  EXPECT_FALSE(Prefix::parse("2000::/3").value().contains(ten));
}

TEST(durations, are_read_and_written) {
  struct Case {
    const char* text;
    std::int64_t ms;
    const char* canonical;
  };
  for (const Case& c : std::initializer_list<Case>{{"250ms", 250, "250ms"},
                                                   {"30s", 30'000, "30s"},
                                                   {"60s", 60'000, "1m"},
                                                   {"1.5s", 1500, "1s500ms"},
                                                   {"10m", 600'000, "10m"},
                                                   {"1h30m", 5'400'000, "1h30m"},
                                                   {"7d", 604'800'000, "7d"},
                                                   {"90s", 90'000, "1m30s"},
                                                   {"3650d", 3650LL * 86'400'000, "3650d"}}) {
    const auto duration = fw::parse_duration(c.text);
    ASSERT_TRUE(duration) << c.text;
    EXPECT_EQ(duration->count(), c.ms) << c.text;
    EXPECT_EQ(fw::format_duration(*duration), c.canonical);
  }
  EXPECT_EQ(fw::format_duration(fw::Milliseconds{0}), "0s");
  EXPECT_EQ(fw::format_duration(fw::Milliseconds{-90'000}), "-1m30s");
}

TEST(durations, refuse_what_is_none) {
  for (const char* text : {"", "10", "s", "10x", "1h ", "-1s", "1e3s", "nan", "infs", "10 s"})
    EXPECT_EQ(
        fw::parse_duration(text).error().message,
        std::string("\"") + text + "\" is not a duration: write it like 30s, 10m, 1h30m or 7d");
  for (const char* text : {"0s", "0.1ms", "3651d", "99999999999999999999d"})
    EXPECT_EQ(fw::parse_duration(text).error().message,
              std::string("\"") + text + "\": a duration must be 1ms to 3650d (10 years)");
}

TEST(rates, are_read_and_written) {
  struct Case {
    const char* text;
    bool bytes;
    double rate;
    const char* canonical;
  };
  for (const Case& c : std::initializer_list<Case>{{"400/s", false, 400, "400/s"},
                                                   {"6/30s", false, 0.2, "0.2/s"},
                                                   {"1.5k/s", false, 1500, "1500/s"},
                                                   {"12k/s", false, 12'000, "12k/s"},
                                                   {"12500/s", false, 12'500, "12500/s"},
                                                   {"600/m", false, 10, "10/s"},
                                                   {"1M/s", false, 1e6, "1M/s"},
                                                   {"25MB/s", true, 25e6, "25MB/s"},
                                                   {"1.5MB/s", true, 1.5e6, "1.5MB/s"},
                                                   {"100GB/s", true, 1e11, "100GB/s"},
                                                   {"10B/100ms", true, 100, "100B/s"}}) {
    const auto rate = fw::parse_rate(c.text, c.bytes);
    ASSERT_TRUE(rate) << c.text;
    EXPECT_DOUBLE_EQ(*rate, c.rate) << c.text;
    EXPECT_EQ(fw::format_rate(*rate, c.bytes), c.canonical);
  }
}

TEST(rates, need_their_unit) {
  EXPECT_EQ(fw::parse_rate("400", false).error().message,
            "\"400\" is not a rate in packets per time: write it like 400/s, 20k/s or 6/30s");
  EXPECT_EQ(fw::parse_rate("25M/s", true).error().message,
            "\"25M/s\" is not a rate in bytes per time: write it like 500kB/s or 25MB/s");
  for (const char* text : {"", "/s", "400/", "400/x", "400s", "-1/s", "25MB/s", "1e3/s", "4/0s"})
    EXPECT_FALSE(fw::parse_rate(text, false)) << text;
}

TEST(sizes, are_read_and_written) {
  EXPECT_EQ(fw::parse_size("64MiB").value(), 64U << 20);
  EXPECT_EQ(fw::parse_size("25MB").value(), 25'000'000U);
  EXPECT_EQ(fw::parse_size("512k").value(), 512'000U);
  EXPECT_EQ(fw::parse_size("512").value(), 512U);
  for (const char* text : {"", "MB", "1.5.2k", "-1", "1TB ", "99999999999999999G"})
    EXPECT_FALSE(fw::parse_size(text)) << text;
  EXPECT_EQ(fw::format_size(0), "0 B");
  EXPECT_EQ(fw::format_size(1023), "1023 B");
  EXPECT_EQ(fw::format_size(1'992'294), "1.9 MiB");
  EXPECT_EQ(fw::format_size((1U << 20) - 1), "1.0 MiB");
}

TEST(times, are_rfc_3339_in_utc) {
  using std::chrono::system_clock;
  const auto at = [](std::int64_t ms) {
    return system_clock::time_point{std::chrono::milliseconds{ms}};
  };
  EXPECT_EQ(fw::format_time(at(1'777'636'803'412)), "2026-05-01T12:00:03.412Z");
  EXPECT_EQ(fw::format_time(at(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(fw::format_time(at(-1)), "1969-12-31T23:59:59.999Z");
}

TEST_F(Folder, a_file_is_written_and_read_back) {
  const auto path = folder_ / "a";
  using namespace std::string_literals;
  const std::string text = "one\ntwo\0three\n"s;
  ASSERT_TRUE(fw::write_file(path, text, 0640));
  EXPECT_EQ(fw::read_file(path).value(), text);
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0640));
}

TEST_F(Folder, a_rewritten_file_keeps_its_mode_and_leaves_nothing_beside_it) {
  const auto path = folder_ / "a";
  ASSERT_TRUE(fw::write_file(path, "old", 0600));
  ASSERT_TRUE(fw::write_file(path, std::string(1 << 20, 'x'), 0644));
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
  EXPECT_EQ(fw::read_file(path).value().size(), std::size_t{1} << 20);
  const std::filesystem::directory_iterator files{folder_};
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(Folder, a_symbolic_link_stays_a_link) {
  ASSERT_TRUE(fw::write_file(folder_ / "target", "old"));
  std::filesystem::create_symlink("target", folder_ / "link");
  ASSERT_TRUE(fw::write_file(folder_ / "link", "new"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link"));
  EXPECT_EQ(fw::read_file(folder_ / "target").value(), "new");
}

TEST_F(Folder, what_cannot_be_read_or_written_is_named) {
  const std::string missing = folder_ / "no" / "file";
  EXPECT_EQ(fw::read_file(missing).error().message,
            "cannot read " + missing + ": No such file or directory");
  EXPECT_EQ(fw::write_file(missing, "x").error().message,
            "cannot write " + missing + ": No such file or directory");
  EXPECT_EQ(fw::read_file(folder_).error().message,
            "cannot read " + folder_.native() + ": not a regular file");
  EXPECT_EQ(fw::write_file(folder_, "x").error().message,
            "cannot write " + folder_.native() + ": not a regular file");
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  EXPECT_FALSE(fw::read_file(folder_ / "fifo"));
}

TEST_F(Folder, a_file_above_the_limit_is_refused) {
  ASSERT_TRUE(fw::write_file(folder_ / "a", "12345"));
  EXPECT_TRUE(fw::read_file(folder_ / "a", 5));
  EXPECT_EQ(fw::read_file(folder_ / "a", 4).error().message,
            "cannot read " + (folder_ / "a").native() + ": larger than 4 bytes");
  EXPECT_FALSE(fw::read_file("/proc/self/maps", 10)) << "its size is 0 before it is read";
  EXPECT_TRUE(fw::read_file("/proc/self/maps"));
}

TEST(units, numbers_are_grouped_by_thousands) {
  EXPECT_EQ(fw::grouped(0), "0");
  EXPECT_EQ(fw::grouped(999), "999");
  EXPECT_EQ(fw::grouped(1000), "1,000");
  EXPECT_EQ(fw::grouped(1'234'567'890), "1,234,567,890");
}

TEST(terminal_text, shows_what_a_terminal_would_obey) {
  const std::string_view cases[][2] = {
      {"plain, größer", "plain, größer"},
      {"\x1b[31mred\x7f", R"(\x1b[31mred\x7f)"},
      {"\xc2\x9b", R"(\xc2\x9b)"},          // a C1 control character
      {"\xe2\x80\xae", R"(\xe2\x80\xae)"},  // right-to-left override
      {"\xff\xc0\xaf", R"(\xff\xc0\xaf)"},  // not UTF-8
      {"a\nb", R"(a\nb)"},
  };
  for (const auto& [text, shown] : cases) {
    EXPECT_EQ(fw::printable(text), shown);
    EXPECT_EQ(fw::printable(fw::printable(text)), shown);
  }
  EXPECT_EQ(fw::printable_lines("a\nb\rc\n"), "a\nb\\x0dc\n");
  EXPECT_EQ(fw::printable("say \"x\"", "\""), R"(say \"x\")");
  EXPECT_EQ(fw::printable_excerpt(std::string(65, 'a')), std::string(64, 'a') + "...");
}

TEST(nearest, finds_what_a_mistyped_word_meant) {
  constexpr std::array<std::string_view, 5> kVerbs{"status", "events", "ban", "unban",
                                                   "signatures"};
  EXPECT_EQ(fw::nearest("bna", kVerbs), "ban");
  EXPECT_EQ(fw::nearest("stauts", kVerbs), "status");
  EXPECT_EQ(fw::nearest("unbn", kVerbs), "unban");
  EXPECT_EQ(fw::nearest("ev", kVerbs), "events") << "an abbreviation";
  EXPECT_EQ(fw::nearest("reticulate", kVerbs), "");
  EXPECT_EQ(fw::nearest("", kVerbs), "");
  EXPECT_EQ(fw::nearest(std::string(100'000, 'a'), kVerbs), "");
}

TEST(edit_distance, counts_letters_changed_added_left_out_and_swapped) {
  EXPECT_EQ(fw::edit_distance("", ""), 0U);
  EXPECT_EQ(fw::edit_distance("ban", ""), 3U);
  EXPECT_EQ(fw::edit_distance("ban", "bans"), 1U);
  EXPECT_EQ(fw::edit_distance("tiem", "time"), 1U);
  EXPECT_EQ(fw::edit_distance("mode", "made"), 1U);
}

}  // namespace
