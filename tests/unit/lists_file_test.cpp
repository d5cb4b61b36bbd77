// SPDX-License-Identifier: MIT
// List files: every form of a line, what is said about a bad one, edits that leave the rest alone.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <chrono>
#include <filesystem>

#include "base/file.hpp"
#include "lists/glob.hpp"
#include "lists/kept_lists.hpp"
#include "lists/list_edit.hpp"
#include "lists/list_file.hpp"

namespace {

using fw::Prefix;
using fw::lists::List;

std::string entry_text(const fw::lists::ListEntry& entry) {
  return fw::lists::range_text(entry.first, entry.last);
}

Prefix prefix(std::string_view text) {
  return Prefix::parse(text).value();
}

class ListFolder : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "fw-lists-XXXXXX").native();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path put(const std::string& name, std::string_view text) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    EXPECT_TRUE(fw::write_file(folder_ / name, text));
    return folder_ / name;
  }
  static std::string text(const std::filesystem::path& path) { return fw::read_file(path).value(); }
  std::filesystem::path folder_;
};

TEST(list_lines, every_form_of_an_entry_is_read) {
  struct Case {
    const char* line;
    const char* entry;
    const char* comment;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"192.0.2.1", "192.0.2.1", ""},
           {"  192.0.2.0/24\t", "192.0.2.0/24", ""},
           {"0.0.0.0/0", "0.0.0.0/0", ""},
           {"192.0.2.1 # a neighbour", "192.0.2.1", "a neighbour"},
           {"1.10.16.0/20 ; SBL256894", "1.10.16.0/20", "SBL256894"},
           {"192.0.2.1#tight", "192.0.2.1", "tight"},
           {"192.0.2.1-192.0.2.9", "192.0.2.1-192.0.2.9", ""},
           {"192.0.2.0 - 192.0.2.255  # blanks", "192.0.2.0/24", "blanks"},
           {"2001:db8::/32", "2001:db8::/32", ""},
           {"2001:db8::1-2001:db8::2", "2001:db8::1-2001:db8::2", ""},
           {"::ffff:192.0.2.1", "192.0.2.1", ""},
           {"::ffff:10.0.0.0/104", "10.0.0.0/8", ""},
           {"::/0", "::/0", ""},
           {"add blocked 192.0.2.1", "192.0.2.1", ""},
           {"add blocked 192.0.2.0/24 timeout 300 comment \"a b\" packets 0", "192.0.2.0/24",
            "a b"},
           {"add blocked 192.0.2.1 comment \"open", "192.0.2.1", "open"},
           {"add blocked6 2001:db8::/64 comment x", "2001:db8::/64", "x"},
           {"1.2.3.4/24", "1.2.3.0/24", ""},
           {"2001:db8::1/32", "2001:db8::/32", ""},
           {"::ffff:10.1.2.3/104", "10.0.0.0/8", ""},
           {"1.2.3.0/255.255.255.0", "1.2.3.0/24", ""},
           {"1.2.3.4 255.255.0.0 # as ACLs have it", "1.2.0.0/16", "as ACLs have it"},
           {"192.0.2.9/255.255.255.255", "192.0.2.9", ""},
           {"add blocked 1.2.3.4/24", "1.2.3.0/24", ""},
           {"45.143.200.0\t45.143.200.255\t24\t3200\tSOME-NET\tNL\tabuse@example.com",
            "45.143.200.0/24", "3200\tSOME-NET\tNL\tabuse@example.com"},
       }) {
    const auto line = fw::lists::parse_line(c.line);
    ASSERT_EQ(line.kind, fw::lists::Line::Kind::entry) << c.line << ": " << line.problem;
    EXPECT_EQ(entry_text(line.entry), c.entry) << c.line;
    EXPECT_EQ(line.comment, c.comment) << c.line;
  }
  for (const char* line : {"", "   ", "\t", "# comment", "  ; comment", "#",
                           "create blocked hash:ip family inet hashsize 1024", "flush blocked",
                           "COMMIT", "Start\tEnd\tNetblock\tAttacks\tName\tCountry\temail"})
    EXPECT_EQ(fw::lists::parse_line(line).kind, fw::lists::Line::Kind::nothing) << line;
}

TEST(list_lines, a_bad_line_says_what_would_be_right) {
  constexpr std::array<std::pair<const char*, const char*>, 16> kCases{{
      {"10.0.0.300", "\"10.0.0.300\" is not an address: write it like 192.0.2.1 or 2001:db8::1"},
      {"10.0.0.0/255.0.255.0", "\"10.0.0.0/255.0.255.0\": the prefix length must be 0 to 32"},
      {"10.0.0.1 0.0.0.0", "\"10.0.0.1 0.0.0.0\": one entry a line, a comment begins with #"},
      {"10.0.0.0\t10.0.0.255\t16\t5",
       "\"10.0.0.0\\x0910.0.0.255\\x0916\\x095\": one entry a line, a comment begins with #"},
      {"2001:db8::/255.0.0.0", "\"2001:db8::/255.0.0.0\": the prefix length must be 0 to 128"},
      {"10.0.0.0/40", "\"10.0.0.0/40\": the prefix length must be 0 to 32"},
      {"10.0.0.9-10.0.0.1",
       "\"10.0.0.9-10.0.0.1\" ends before it begins: did you mean 10.0.0.1-10.0.0.9?"},
      {"10.0.0.9-::1", "\"10.0.0.9-::1\" mixes IPv4 and IPv6"},
      {"10.0.0.9-", "\"\" is not an address: write it like 192.0.2.1 or 2001:db8::1"},
      {"10.0.0.1 10.0.0.2", "\"10.0.0.1 10.0.0.2\": one entry a line, a comment begins with #"},
      {"caf\xc3\xa9\x1b[31m",
       "\"caf\xc3\xa9\\x1b[31m\": an entry is an address, a prefix or a range a-b"},
      {"<html>", "\"<html>\" is not an address: write it like 192.0.2.1 or 2001:db8::1"},
      {"add blocked", "\"add\" wants a set and an entry: add NAME 192.0.2.1"},
      {"add blocked 192.0.2.1,tcp:80",
       "\"192.0.2.1,tcp:80\": entries with a port, protocol or pair are not supported"},
      {"add blocked 10.0.0.0/8 nomatch",
       "\"10.0.0.0/8\": nomatch is not supported: put the exception on the allow list"},
      {"add blocked 10.0.0.0/99", "\"10.0.0.0/99\": the prefix length must be 0 to 32"},
  }};
  for (const auto& [text, problem] : kCases) {
    const auto line = fw::lists::parse_line(text);
    EXPECT_EQ(line.kind, fw::lists::Line::Kind::bad) << text;
    EXPECT_EQ(line.problem, problem);
  }
  const auto line = fw::lists::parse_line(std::string(100'000, 'x'));
  EXPECT_LT(line.problem.size(), 150U) << "a line of any length makes a short message";
}

TEST(list_text, line_ends_and_a_byte_order_mark_do_not_matter) {
  const List list =
      fw::lists::parse_list(fw::lists::in_utf8("\xef\xbb\xbf"
                                               "192.0.2.1\r\n\r\n# x\r\n192.0.2.2\n192.0.2.3"),
                            "a");
  ASSERT_EQ(list.entries.size(), 3U);
  EXPECT_TRUE(list.problems.empty());
  EXPECT_EQ(list.entries[0].line, 1U);
  EXPECT_EQ(list.entries[1].line, 4U);
  EXPECT_EQ(list.entries[2].line, 5U);
  EXPECT_EQ(entry_text(list.entries[2]), "192.0.2.3");
}

TEST(list_text, reading_ends_where_the_budget_does) {
  std::string text;
  for (int i = 0; i < 200'000; i++) text += "192.0.2.1\n";
  fw::lists::Budget budget{.entries = 70'000};
  EXPECT_LT(fw::lists::parse_list(text, "a", budget).entries.size(), 200'000U);
  EXPECT_NE(budget.reached.find("more than"), std::string::npos);

  std::stop_source stop;
  stop.request_stop();
  fw::lists::Budget stopped{.stop = stop.get_token()};
  EXPECT_LT(fw::lists::parse_list(text, "a", stopped).entries.size(), 200'000U);
  EXPECT_EQ(stopped.reached, "the daemon ends");

  fw::lists::Budget enough{.entries = 200'001};
  EXPECT_EQ(fw::lists::count_entries(text, enough), 200'000U);
  EXPECT_EQ(fw::lists::parse_list(text, "a", enough).entries.size(), 200'000U);
  EXPECT_EQ(enough.entries, 1U);
  EXPECT_EQ(enough.reached, "");
}

TEST(list_text, utf16_with_a_byte_order_mark_is_read) {
  const std::u16string text = u"\ufeff192.0.2.1 # \u00e9\u20ac\U0001f600\xd800\r\n192.0.2.2\n";
  for (const bool big : {false, true}) {
    std::string bytes;
    for (const char16_t unit : text) {
      const auto high = static_cast<char>(unit >> 8), low = static_cast<char>(unit & 0xff);
      bytes += big ? high : low;
      bytes += big ? low : high;
    }
    const List list = fw::lists::parse_list(fw::lists::in_utf8(bytes), "a");
    ASSERT_EQ(list.entries.size(), 2U) << big;
    EXPECT_EQ(list.comments[list.entries[0].comment], "\u00e9\u20ac\U0001f600\ufffd");
    EXPECT_EQ(entry_text(list.entries[1]), "192.0.2.2");
  }
  EXPECT_EQ(fw::lists::in_utf8("\xff\xfe\x31"), "") << "half a unit";
}

TEST(list_text, a_timeout_is_of_its_entry) {
  const List list = fw::lists::parse_list(
      "add a 192.0.2.1 timeout 300\nadd a 192.0.2.2 timeout 0\nadd a 192.0.2.3\n", "a");
  ASSERT_EQ(list.entries.size(), 3U);
  EXPECT_EQ(list.entries[0].timeout_s, 300U);
  EXPECT_EQ(list.entries[1].timeout_s, 0U) << "ipset(8): no timeout";
  EXPECT_EQ(list.entries[2].timeout_s, 0U);
}

TEST(list_text, a_bad_line_is_reported_and_skipped_and_the_others_hold) {
  const List list = fw::lists::parse_list("192.0.2.1\nnonsense\n192.0.2.2\n", "deny.list");
  EXPECT_EQ(list.entries.size(), 2U);
  EXPECT_EQ(list.bad_lines, 1U);
  ASSERT_EQ(list.problems.size(), 1U);
  EXPECT_EQ(list.problems[0],
            "deny.list:2: \"nonsense\" is not an address: write it like 192.0.2.1 or 2001:db8::1");
}

TEST(list_text, only_the_first_problems_are_spelled_out) {
  std::string text;
  for (int i = 0; i < 1000; i++) text += "nonsense\n";
  const List list = fw::lists::parse_list(text + "192.0.2.1\n", "deny.list");
  EXPECT_EQ(list.entries.size(), 1U);
  EXPECT_EQ(list.bad_lines, 1000U);
  ASSERT_EQ(list.problems.size(), fw::lists::kMaxProblems + 1);
  EXPECT_EQ(list.problems.back(), "deny.list: 980 more bad lines");
}

TEST(list_text, of_a_million_lines_is_read) {
  std::string text;
  for (unsigned i = 0; i < 1'000'000; i++)
    text += fw::Address::v4(0x0b00'0000 + i * 7).text() += "\n";
  const auto begin = std::chrono::steady_clock::now();
  const List list = fw::lists::parse_list(text, "a");
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  RecordProperty("seconds", std::to_string(taken.count()));
  EXPECT_EQ(list.entries.size(), 1'000'000U);
  EXPECT_EQ(entry_text(list.entries.back()), fw::Address::v4(0x0b00'0000 + 6'999'993).text());
}

TEST_F(ListFolder, patterns_mean_the_files_below_the_folder_once_each) {
  put("deny.list", "");
  put("feeds/b.netset", "");
  put("feeds/a.netset", "");
  put("feeds/other.txt", "");
  const std::string absolute = folder_ / "feeds" / "other.txt";
  const std::vector<std::string> patterns{"deny.list",    "feeds/*.netset", "./feeds/a.netset",
                                          "missing.list", "none/*.netset",  absolute};
  const std::vector<std::filesystem::path> expected{
      folder_ / "deny.list", folder_ / "feeds/a.netset", folder_ / "feeds/b.netset",
      folder_ / "missing.list", absolute};
  EXPECT_EQ(fw::lists::expand(patterns, folder_), expected);
}

TEST_F(ListFolder, of_a_pattern_that_looks_at_too_much_are_none_and_it_is_named) {
  std::filesystem::create_directory(folder_ / "bomb");
  for (int i = 0; i < 10; ++i)
    std::filesystem::create_symlink(".", folder_ / "bomb" / std::to_string(i));
  const std::vector<std::string> patterns{"bomb/*", "bomb/*/*/*/*/*/*/*"};
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(fw::lists::expand(patterns, folder_).size(), 10U);
  const auto bounded = fw::lists::check_patterns(patterns, folder_);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  ASSERT_FALSE(bounded);
  EXPECT_NE(bounded.error().message.find("bomb/*/*/*"), std::string::npos);
  EXPECT_TRUE(fw::lists::check_patterns(std::span(patterns).first(1), folder_));
}

TEST_F(ListFolder, a_file_that_cannot_be_read_is_an_empty_list) {
  const List missing = fw::lists::read_list(folder_ / "no.list");
  EXPECT_TRUE(missing.missing);
  EXPECT_TRUE(missing.problems.empty());
  const List folder = fw::lists::read_list(folder_);
  EXPECT_FALSE(folder.missing);
  ASSERT_EQ(folder.problems.size(), 1U);
  EXPECT_EQ(folder.problems[0], "cannot read " + folder_.native() + ": not a regular file");
}

TEST_F(ListFolder, an_added_entry_is_appended_and_the_rest_stays) {
  const auto path = put("allow.list", "# mine\r\n192.0.2.1  # a\r\nbad line\r\n10.0.0.0/8");
  const auto added = fw::lists::add_entries(
      path, std::vector{prefix("192.0.2.1"), prefix("2001:db8::/32"), prefix("2001:db8::/32")},
      "two\nlines");
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(*added, std::vector{prefix("2001:db8::/32")});
  EXPECT_EQ(text(path),
            "# mine\r\n192.0.2.1  # a\r\nbad line\r\n10.0.0.0/8\r\n2001:db8::/32  # two lines\r\n");
}

TEST_F(ListFolder, adding_what_is_there_does_not_touch_the_file) {
  const auto path = put("allow.list", "10.0.0.0-10.255.255.255\n");
  std::filesystem::last_write_time(path, std::filesystem::file_time_type{});
  EXPECT_EQ(fw::lists::add_entries(path, std::vector{prefix("10.0.0.0/8")}, "").value().size(), 0U);
  EXPECT_EQ(std::filesystem::last_write_time(path), std::filesystem::file_time_type{});
}

TEST_F(ListFolder, the_first_entry_makes_the_file) {
  const auto path = folder_ / "deny.list";
  EXPECT_EQ(fw::lists::add_entries(path, std::vector{prefix("192.0.2.1")}, "").value().size(), 1U);
  EXPECT_EQ(text(path), "192.0.2.1\n");
}

TEST_F(ListFolder, a_removed_entry_takes_its_lines_and_nothing_else) {
  const auto path = put("deny.list",
                        "\xef\xbb\xbf"
                        "192.0.2.1\n# keep\n::ffff:192.0.2.1 # again\n\n"
                        "192.0.2.0/24\n192.0.2.10");
  const auto removed =
      fw::lists::remove_entries(path, std::vector{prefix("192.0.2.1"), prefix("192.0.2.7")});
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(*removed, std::vector{prefix("192.0.2.1")});
  EXPECT_EQ(text(path), "\xef\xbb\xbf# keep\n\n192.0.2.0/24\n192.0.2.10");
}

TEST_F(ListFolder, removing_what_is_not_there_is_no_error) {
  const auto path = folder_ / "deny.list";
  EXPECT_TRUE(fw::lists::remove_entries(path, std::vector{prefix("192.0.2.1")}).value().empty());
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ListFolder, an_edit_that_cannot_be_written_says_so) {
  const auto edited =
      fw::lists::add_entries(folder_ / "no" / "deny.list", std::vector{prefix("192.0.2.1")}, "");
  ASSERT_FALSE(edited);
  EXPECT_EQ(edited.error().message, "cannot write " + (folder_ / "no" / "deny.list").native() +
                                        ": No such file or directory");
}

// ------------------------------------------------------------------- last good versions

class KeptListFolder : public ListFolder {
 protected:
  // What is in force when the file is read, and the copy that is kept then.
  fw::lists::Version load(const std::filesystem::path& file, bool accepted = false) {
    const fw::lists::KeptLists kept(folder_ / "state");
    auto version = kept.read(file, accepted);
    version.list.path = file;
    EXPECT_TRUE(kept.keep(version));
    return version;
  }
  static std::string lines(unsigned count) {
    std::string text;
    for (unsigned i = 0; i < count; i++) text += fmt::format("192.0.{}.{}\n", i >> 8, i & 255);
    return text;
  }
};

TEST_F(KeptListFolder, a_file_that_is_no_list_any_more_keeps_its_last_good_version) {
  const std::string page = "<!DOCTYPE html>\n<html><body>\n<h1>502 Bad Gateway</h1>\n";
  const std::string odd = lines(90) + "nonsense\nnonsense\nnonsense\nnonsense\nnonsense\n";
  struct Case {
    const char* name;
    std::string text;
    const char* why;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"page", page, "3 of its 3 lines cannot be read"},
           {"empty", "", "it has 0 entries now instead of 100"},
           {"comments", "# nothing\n", "it has 0 entries now instead of 100"},
           {"half", lines(49), "it has 49 entries now instead of 100"},
           {"odd", odd, "5 of its 95 lines cannot be read"},
       }) {
    const auto file = put(c.name, lines(100));
    EXPECT_EQ(load(file).stale, "");
    put(c.name, c.text);
    for (int restart = 0; restart < 2; restart++) {
      const auto version = load(file);
      EXPECT_EQ(version.stale, c.why) << c.name;
      EXPECT_EQ(version.list.entries.size(), 100U) << c.name;
    }
    EXPECT_EQ(load(file, true).stale, "") << c.name;
    EXPECT_EQ(load(file).stale, "") << c.name << ": accepted once is accepted";
    put(c.name, lines(100));
    EXPECT_EQ(load(file).list.entries.size(), 100U) << c.name;
  }
}

TEST_F(KeptListFolder, a_file_that_cannot_be_read_keeps_its_last_good_version) {
  const auto file = put("deny.list", lines(10));
  (void)load(file);
  std::filesystem::remove(file);
  EXPECT_EQ(load(file).stale, "the file is gone");
  EXPECT_EQ(load(file).list.entries.size(), 10U);
  std::filesystem::create_directory(file);
  EXPECT_THAT(load(file).stale, testing::HasSubstr("not a regular file"));
  EXPECT_EQ(load(file, true).list.entries.size(), 10U) << "a folder is no version to accept";
  std::filesystem::remove(file);
  EXPECT_TRUE(load(file, true).list.missing);
  EXPECT_TRUE(load(file).list.missing) << "its copy is gone too";
}

TEST_F(KeptListFolder, a_smaller_list_is_taken_while_it_has_half_its_entries) {
  const auto file = put("deny.list", lines(100));
  (void)load(file);
  put("deny.list", lines(50) + "nonsense\n");
  EXPECT_EQ(load(file).stale, "");
  EXPECT_EQ(load(file).list.entries.size(), 50U);
  EXPECT_EQ(load(file).list.bad_lines, 1U);
  put("deny.list", lines(24));
  EXPECT_EQ(load(file).stale, "it has 24 entries now instead of 50");
}

TEST_F(KeptListFolder, a_pattern_finds_the_files_that_are_gone) {
  const auto first = put("feeds/a.netset", lines(3)), second = put("feeds/b.netset", lines(2));
  (void)load(first);
  (void)load(second);
  std::filesystem::remove(first);
  const fw::lists::KeptLists kept(folder_ / "state");
  const std::vector<std::string> patterns{"feeds/*.netset"};
  EXPECT_EQ(kept.expand(patterns, folder_), (std::vector<std::filesystem::path>{second, first}));
  EXPECT_EQ(kept.expand(std::vector<std::string>{"other/*.netset"}, folder_).size(), 0U);
}

TEST_F(KeptListFolder, the_first_version_may_have_odd_lines_and_is_no_measure) {
  const auto file = put("deny.list", "192.0.2.1\nnonsense\n");
  EXPECT_EQ(load(file).list.entries.size(), 1U);
  put("deny.list", "nonsense\nnonsense\n");
  EXPECT_EQ(load(file).stale, "") << "nothing good was kept";
}

}  // namespace
