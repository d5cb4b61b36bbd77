// SPDX-License-Identifier: MIT
// The audit: who ordered what, bounded for each user and verb, and no line that a user can forge.
#include "daemon/order_log.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/journal/event.hpp"

namespace {

using namespace fw;
using control::find_verb;
using control::Peer;
using control::Request;
using engine::Journal;
using testing::HasSubstr;

class OrderLogTest : public testing::Test {
 protected:
  OrderLogTest() {
    std::ofstream(users_) << "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n";
    journal_.set_sink([this](const engine::Event& event) { lines_.push_back(to_text(event)); });
  }
  ~OrderLogTest() override { std::filesystem::remove(users_); }
  OrderLogTest(const OrderLogTest&) = delete;
  OrderLogTest& operator=(const OrderLogTest&) = delete;

  void order(uid_t uid, std::string_view verb, std::vector<std::string> arguments = {},
             std::vector<std::pair<std::string_view, std::string>> options = {},
             std::string_view result = "done") {
    orders_.add(
        {.verb = find_verb(verb), .arguments = std::move(arguments), .options = std::move(options)},
        Peer{.uid = uid, .pid = 4711, .allowed = true}, result, now_);
  }
  void pass_s(std::uint64_t seconds) {
    for (std::uint64_t i = 0; i < 10 * seconds; i++) {
      now_.mono_ns += kSecond / 10;
      orders_.summarise(now_);
    }
  }
  [[nodiscard]] std::vector<std::string> with(std::string_view text) const {
    std::vector<std::string> found;
    for (const std::string& line : lines_)
      if (line.find(text) != std::string::npos) found.push_back(line);
    return found;
  }

  std::string users_ = testing::TempDir() + "order_log_users";
  Now now_{.mono_ns = 1000 * kSecond, .wall = {}};
  Journal journal_;
  std::vector<std::string> lines_;
  daemon::OrderLog orders_{journal_, users_};
};

TEST_F(OrderLogTest, an_order_says_who_gave_it_and_what_became_of_it) {
  order(1000, "ban", {"192.0.2.1", "192.0.2.2"}, {{"for", "1h"}, {"force", ""}});
  order(77, "mode", {"off"}, {}, "not_permitted");
  ASSERT_EQ(lines_.size(), 2U);
  EXPECT_THAT(lines_[0],
              HasSubstr(" NOTICE Order uid=1000 user=alice pid=4711 verb=ban "
                        "arguments=\"192.0.2.1 192.0.2.2 --for 1h --force\" result=done"));
  EXPECT_THAT(lines_[1], HasSubstr(" Order uid=77 pid=4711 verb=mode arguments=off "
                                   "result=not_permitted"));
}

TEST_F(OrderLogTest, words_of_a_user_forge_neither_a_field_nor_a_line) {
  order(1000, "ban", {"192.0.2.1"},
        {{"reason", "x\" result=done\n2026-01-01T00:00:00.000Z NOTICE Order uid=0\x1b[31m"}},
        "refused");
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_THAT(lines_[0], HasSubstr(R"(--reason x\" result=done\n2026)"));
  EXPECT_THAT(lines_[0], testing::EndsWith("\" result=refused"));
  EXPECT_EQ(lines_[0].find('\x1b'), std::string::npos);
}

TEST_F(OrderLogTest, a_line_is_short_however_long_the_order) {
  order(1000, "ban", std::vector<std::string>(100'000, std::string(4096, 'a')),
        {{"reason", std::string(4096, 'b')}});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_LT(lines_[0].size(), 2000U);
  EXPECT_THAT(lines_[0], HasSubstr("and 99992 more"));
}

TEST_F(OrderLogTest, a_hundred_thousand_orders_are_a_few_lines_that_account_for_all_of_them) {
  for (int i = 0; i < 100'000; i++) order(1000, "ban", {"192.0.2.1"}, {}, i < 7 ? "done" : "usage");
  pass_s(9);
  const std::size_t written = with(" Order ").size();
  EXPECT_LE(written, 20U);
  EXPECT_TRUE(with("OrdersSummed").empty());
  pass_s(1);
  ASSERT_EQ(with("OrdersSummed").size(), 1U);
  EXPECT_THAT(with("OrdersSummed")[0],
              HasSubstr(fmt::format("uid=1000 user=alice verb=ban count={} refused={}",
                                    100'000 - written, 100'000 - written)));
  pass_s(100);
  EXPECT_EQ(with("OrdersSummed").size(), 1U);
}

TEST_F(OrderLogTest, many_orders_hide_no_order_of_another_verb_or_user) {
  for (int i = 0; i < 1000; i++) order(1000, "ban", {"192.0.2.1"});
  order(1000, "mode", {"off"});
  order(0, "ban", {"192.0.2.2"});
  EXPECT_EQ(with("verb=mode").size(), 1U);
  EXPECT_EQ(with("uid=0 user=root").size(), 1U);
}

TEST_F(OrderLogTest, users_beyond_number_take_no_memory_and_are_counted_together) {
  for (int round = 0; round < 30; round++)
    for (uid_t uid = 100'000; uid < 101'000; uid++) order(uid, "ban", {"192.0.2.1"});
  const std::size_t written = with(" Order ").size();
  pass_s(60);
  std::size_t counted = 0;
  for (const std::string& line : with("OrdersSummed"))
    counted += std::stoul(line.substr(line.find("count=") + 6));
  EXPECT_LE(with("OrdersSummed").size(), 257U);
  // What the journal itself does not write it counts.
  EXPECT_EQ(written + counted + journal_.suppressed(), 30'000U);
}

}  // namespace
