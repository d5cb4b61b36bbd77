// SPDX-License-Identifier: MIT
// Exemptions, allowances and lists: who is never dropped, who cannot be banned, and what --force
// means.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "harness/engine_lab.hpp"

namespace fw::test {
namespace {

using namespace std::chrono_literals;

std::vector<engine::Exemption> exemptions() {
  return {{Address::parse("203.0.113.1").value(), "default gateway, DHCP server"},
          {Address::parse("192.0.2.10").value(), "this host's own address (eth0)"},
          {Address::parse("2001:db8::53").value(), "DNS server (/etc/resolv.conf)"}};
}

TEST(engine_protected, exemptions_follow_what_the_host_says) {
  EngineLab lab;
  ASSERT_TRUE(lab.engine.set_exemptions(exemptions(), lab.now()));
  EXPECT_TRUE(lab.exempt("203.0.113.1"));
  EXPECT_TRUE(lab.exempt("2001:db8::53"));
  std::vector<engine::Exemption> fewer = exemptions();
  fewer.erase(fewer.begin());
  ASSERT_TRUE(lab.engine.set_exemptions(fewer, lab.now()));
  EXPECT_FALSE(lab.exempt("203.0.113.1"));
  EXPECT_TRUE(lab.exempt("192.0.2.10"));
}

TEST(engine_protected, an_address_that_becomes_exempt_is_unbanned) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"203.0.113.1"}));
  ASSERT_TRUE(lab.engine.set_exemptions(exemptions(), lab.now()));
  EXPECT_FALSE(lab.banned("203.0.113.1"));
  EXPECT_EQ(lab.last("Unban"), "NOTICE Unban 203.0.113.1 reason=exempt dropped=0");
}

TEST(engine_protected, exemptions_of_a_former_daemon_hold_until_they_are_derived_again) {
  EngineLab lab;
  ASSERT_TRUE(lab.engine.set_exemptions(exemptions(), lab.now()));
  engine::Engine next(lab.datapath, {}, lab.folder.path());
  ASSERT_TRUE(next.adopt(lab.now()));
  for (int i = 0; i < 300; ++i) {
    lab.mono_ns += 100'000'000;
    next.tick(lab.now());
  }
  EXPECT_TRUE(lab.exempt("203.0.113.1"));
  ASSERT_TRUE(next.set_exemptions(
      std::vector<engine::Exemption>{{Address::parse("192.0.2.10").value(), "own"}}, lab.now()));
  EXPECT_FALSE(lab.exempt("203.0.113.1"));
  EXPECT_TRUE(lab.exempt("192.0.2.10"));
}

TEST(engine_protected, a_ban_of_what_is_exempt_is_refused_in_words) {
  EngineLab lab;
  ASSERT_TRUE(lab.engine.set_exemptions(exemptions(), lab.now()));
  const struct {
    std::string argument, message;
  } cases[] = {
      {"203.0.113.1",
       "203.0.113.1 is your default gateway and DHCP server (automatic exemption). Use --force to "
       "ban it anyway."},
      {"192.0.2.10",
       "192.0.2.10 is this host's own address (eth0) (automatic exemption). Use --force to ban it "
       "anyway."},
      {"203.0.113.0/24",
       "203.0.113.0/24 contains 203.0.113.1, your default gateway and DHCP server (automatic "
       "exemption). Use --force to ban it anyway."},
  };
  for (const auto& [argument, message] : cases) {
    const auto refused = lab.run("ban", {"10.0.0.1", argument});
    ASSERT_FALSE(refused) << argument;
    EXPECT_EQ(refused.error().kind, ErrorKind::refused);
    EXPECT_EQ(refused.error().message, message);
    EXPECT_FALSE(lab.banned("10.0.0.1")) << "nothing is applied";
  }
}

TEST(engine_protected, what_is_never_a_source_is_refused_even_with_force) {
  EngineLab lab;
  for (const std::string argument :
       {"127.0.0.1", "127.0.0.0/8", "224.0.0.251", "255.255.255.255", "0.0.0.0", "169.254.1.1",
        "0.0.0.0/0", "::", "::1", "fe80::1", "ff02::1", "::/0", "::/1", "8000::/1"}) {
    const auto refused = lab.run("ban", {argument}, {{"force", ""}});
    ASSERT_FALSE(refused) << argument;
    EXPECT_EQ(refused.error().kind, ErrorKind::refused) << argument;
  }
}

TEST(engine_protected, a_forced_ban_suspends_the_exemption_until_it_ends) {
  EngineLab lab;
  ASSERT_TRUE(lab.engine.set_exemptions(exemptions(), lab.now()));
  ASSERT_TRUE(lab.run("ban", {"203.0.113.0/24"}, {{"force", ""}, {"for", "1h"}}));
  EXPECT_FALSE(lab.exempt("203.0.113.1"));
  ASSERT_TRUE(lab.engine.set_exemptions(exemptions(), lab.now()));
  EXPECT_FALSE(lab.exempt("203.0.113.1")) << "it stays suspended when they are derived again";
  EXPECT_TRUE(lab.banned("203.0.113.0/24"));
  ASSERT_TRUE(lab.run("unban", {"203.0.113.0/24"}));
  EXPECT_TRUE(lab.exempt("203.0.113.1"));

  ASSERT_TRUE(lab.run("ban", {"203.0.113.1"}, {{"force", ""}, {"for", "1m"}}));
  EXPECT_FALSE(lab.exempt("203.0.113.1"));
  lab.pass(60s);
  EXPECT_TRUE(lab.exempt("203.0.113.1")) << "it comes back when the ban expires";
}

TEST(engine_protected, a_forced_ban_outlives_the_daemon_that_made_it) {
  EngineLab lab;
  ASSERT_TRUE(lab.engine.set_exemptions(exemptions(), lab.now()));
  ASSERT_TRUE(lab.run("allow", {"10.0.0.7"}));
  ASSERT_TRUE(lab.run("ban", {"203.0.113.0/24", "10.0.0.7"}, {{"force", ""}, {"for", "1h"}}));

  engine::Engine next(lab.datapath, config::Config{}, lab.folder.path());
  ASSERT_TRUE(next.adopt(lab.now()));
  ASSERT_TRUE(next.load_lists(lab.now()));
  ASSERT_TRUE(next.set_exemptions(exemptions(), lab.now()));
  next.tick(lab.now());
  EXPECT_TRUE(lab.banned("203.0.113.0/24"));
  EXPECT_FALSE(lab.exempt("203.0.113.1"));
  EXPECT_TRUE(lab.banned("10.0.0.7"));
  EXPECT_EQ(lab.datapath.listed(Address::parse("10.0.0.7").value()), 0);

  lab.mono_ns += 3600 * kSecond;
  next.tick(lab.now());
  EXPECT_TRUE(lab.exempt("203.0.113.1")) << "with its end the exemption is back";
  EXPECT_EQ(lab.datapath.listed(Address::parse("10.0.0.7").value()), FW_LIST_ALLOW);
}

TEST(engine_protected, allow_writes_the_file_and_lifts_the_ban_at_once) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"203.0.113.77"}));
  ASSERT_TRUE(lab.run("allow", {"203.0.113.77"}, {{"comment", "the office"}}));
  EXPECT_NE(lab.folder.read("allow.list").find("203.0.113.77"), std::string::npos);
  EXPECT_NE(lab.folder.read("allow.list").find("the office"), std::string::npos);
  EXPECT_FALSE(lab.banned("203.0.113.77"));
  EXPECT_EQ(lab.last("Unban"), "NOTICE Unban 203.0.113.77 reason=allowed dropped=0");
  EXPECT_EQ(lab.datapath.listed(Address::parse("203.0.113.77").value()), FW_LIST_ALLOW);
  const auto again = lab.run("allow", {"203.0.113.77"});
  ASSERT_TRUE(again);
  EXPECT_FALSE((*again)["results"][0]["changed"].get<bool>());

  ASSERT_TRUE(lab.run("unallow", {"203.0.113.77"}));
  EXPECT_EQ(lab.folder.read("allow.list").find("203.0.113.77"), std::string::npos);
  EXPECT_EQ(lab.datapath.listed(Address::parse("203.0.113.77").value()), 0);
}

TEST(engine_protected, allow_for_a_while_ends_by_itself) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"203.0.113.77"}, {{"forever", ""}}));
  ASSERT_TRUE(lab.run("allow", {"203.0.113.0/24"}, {{"for", "8h"}}));
  EXPECT_TRUE(lab.allowed("203.0.113.0/24"));
  EXPECT_FALSE(lab.banned("203.0.113.77"));
  EXPECT_EQ(lab.folder.read("allow.list"), "");
  lab.pass(8h);
  EXPECT_FALSE(lab.allowed("203.0.113.0/24"));
  EXPECT_EQ(lab.last("Unallow"), "NOTICE Unallow 203.0.113.0/24 reason=expired");
}

TEST(engine_protected, an_exempt_address_that_is_also_allowed_stays_exempt_when_that_ends) {
  EngineLab lab;
  ASSERT_TRUE(lab.engine.set_exemptions(exemptions(), lab.now()));
  ASSERT_TRUE(lab.run("allow", {"203.0.113.1"}, {{"for", "1h"}}));
  EXPECT_TRUE(lab.exempt("203.0.113.1"));
  ASSERT_TRUE(lab.engine.set_exemptions({}, lab.now()));
  EXPECT_TRUE(lab.allowed("203.0.113.1")) << "the allowance comes to light";
  ASSERT_TRUE(lab.engine.set_exemptions(exemptions(), lab.now()));
  for (int i = 0; i < 300; ++i) lab.pass(100ms);
  EXPECT_TRUE(lab.exempt("203.0.113.1"));
  EXPECT_EQ(lab.last("Repaired"), "") << "the two do not fight over the entry";
  lab.pass(1h);
  EXPECT_TRUE(lab.exempt("203.0.113.1"));
}

TEST(engine_protected, a_forced_ban_of_what_is_exempt_and_allowed_ends_in_both_again) {
  EngineLab lab;
  ASSERT_TRUE(lab.engine.set_exemptions(exemptions(), lab.now()));
  ASSERT_TRUE(lab.run("allow", {"203.0.113.9"}, {{"for", "1h"}}));
  ASSERT_TRUE(lab.run("ban", {"203.0.113.1", "203.0.113.9"}, {{"force", ""}, {"for", "10m"}}));
  for (int i = 0; i < 300; ++i) lab.pass(100ms);
  EXPECT_TRUE(lab.banned("203.0.113.1"));
  EXPECT_TRUE(lab.banned("203.0.113.9"));
  EXPECT_EQ(lab.last("Repaired"), "");
  lab.pass(10min);
  EXPECT_TRUE(lab.exempt("203.0.113.1"));
  EXPECT_TRUE(lab.allowed("203.0.113.9"));
}

TEST(engine_protected, a_ban_of_what_is_allowed_needs_force_and_then_holds) {
  EngineLab lab;
  lab.folder.write("allow.list", "203.0.113.0/24  # partners\n");
  ASSERT_TRUE(lab.engine.load_lists(lab.now()));
  const auto refused = lab.run("ban", {"203.0.113.77"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::refused);
  EXPECT_NE(refused.error().message.find("203.0.113.0/24 in allow.list:1"), std::string::npos);

  ASSERT_TRUE(lab.run("ban", {"203.0.113.77"}, {{"force", ""}}));
  EXPECT_EQ(lab.datapath.listed(Address::parse("203.0.113.77").value()), 0);
  EXPECT_EQ(lab.datapath.listed(Address::parse("203.0.113.76").value()), FW_LIST_ALLOW);
  EXPECT_EQ(lab.datapath.listed(Address::parse("203.0.113.78").value()), FW_LIST_ALLOW);
  ASSERT_TRUE(lab.run("unban", {"203.0.113.77"}));
  EXPECT_EQ(lab.datapath.listed(Address::parse("203.0.113.77").value()), FW_LIST_ALLOW);
}

TEST(engine_protected, an_allow_entry_that_somebody_writes_lifts_the_ban_when_it_is_loaded) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"203.0.113.77", "198.51.100.1"}));
  lab.folder.write("allow.list", "203.0.113.0/24\n");
  ASSERT_TRUE(lab.engine.load_lists(lab.now()));
  EXPECT_FALSE(lab.banned("203.0.113.77"));
  EXPECT_TRUE(lab.banned("198.51.100.1"));
}

TEST(engine_protected, a_bad_line_is_reported_and_the_others_hold) {
  EngineLab lab;
  lab.folder.write("deny.list", "198.51.100.0/24\n10.0.0.300\n2001:db8:bad::/48\n");
  ASSERT_TRUE(lab.engine.load_lists(lab.now()));
  EXPECT_EQ(lab.datapath.listed(Address::parse("198.51.100.9").value()), FW_LIST_DENY);
  EXPECT_EQ(lab.datapath.listed(Address::parse("2001:db8:bad::1").value()), FW_LIST_DENY);
  const auto status = lab.run("status");
  ASSERT_TRUE(status);
  EXPECT_FALSE((*status)["healthy"].get<bool>());
  EXPECT_NE((*status)["problems"][0].get<std::string>().find("deny.list:2:"), std::string::npos);
  EXPECT_NE(lab.last("ListProblem").find("10.0.0.300"), std::string::npos);
}

TEST(engine_protected, an_entry_that_is_taken_out_is_out) {
  EngineLab lab;
  lab.folder.write("deny.list", "198.51.100.0/24\n198.51.101.0/24\n");
  ASSERT_TRUE(lab.engine.load_lists(lab.now()));
  lab.folder.write("deny.list", "198.51.101.0/24\n");
  ASSERT_TRUE(lab.engine.load_lists(lab.now()));
  EXPECT_EQ(lab.datapath.listed(Address::parse("198.51.100.9").value()), 0);
  EXPECT_EQ(lab.datapath.listed(Address::parse("198.51.101.9").value()), FW_LIST_DENY);
  const int published = lab.datapath.list_publishes;
  ASSERT_TRUE(lab.engine.load_lists(lab.now()));
  EXPECT_EQ(lab.datapath.list_publishes, published) << "the same entries are not swapped in again";
}

TEST(engine_protected, nested_entries_are_found_narrowest_first) {
  engine::ListTable table;
  lists::List list =
      lists::parse_list("10.0.0.0/8\n10.1.0.0/16\n10.1.2.0/24\n10.1.2.3-10.1.2.9\n", "x");
  table.add_file(std::move(list), "x");
  table.finish();
  const struct {
    std::string prefix;
    unsigned line;
  } cases[] = {{"10.1.2.3", 4},    {"10.1.2.1", 3}, {"10.1.2.0/24", 3}, {"10.1.3.0", 2},
               {"10.1.0.0/16", 2}, {"10.9.9.9", 1}, {"10.0.0.0/8", 1}};
  for (const auto& [text, line] : cases) {
    const engine::ListEntry* entry = table.covering(prefix(text));
    ASSERT_NE(entry, nullptr) << text;
    EXPECT_EQ(entry->line, line) << text;
  }
  EXPECT_EQ(table.covering(prefix("11.0.0.0")), nullptr);
  EXPECT_EQ(table.covering(prefix("10.0.0.0/7")), nullptr);
  EXPECT_NE(table.touching(prefix("10.0.0.0/7")), nullptr);
}

}  // namespace
}  // namespace fw::test
