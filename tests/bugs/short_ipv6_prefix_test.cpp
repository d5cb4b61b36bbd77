// SPDX-License-Identifier: MIT
// An IPv6 prefix around the block that IPv4 addresses are mapped to (::/8, ::/79) was taken for
// IPv4 by everything but the datapath: `why 8.8.8.8` said DENIED, `allow ::/8` claimed to allow it.
#include <gtest/gtest.h>

#include <string>

#include "abi/list_image.h"
#include "harness/engine_lab.hpp"

namespace {

using namespace fw;
using test::EngineLab;
using test::prefix;

std::string reason(EngineLab& lab, const std::string& address) {
  return lab.run("why", {address}).value()["answers"][0]["reason"];
}

TEST(short_ipv6_prefix, contains_no_ipv4) {
  for (const char* text : {"::/0", "::/1", "::/8", "::/64", "::/79"}) {
    EXPECT_FALSE(prefix(text).contains(Address::v4(0x08080808))) << text;
    EXPECT_FALSE(prefix(text).contains(prefix("8.8.8.0/24"))) << text;
    EXPECT_FALSE(prefix(text).contains(prefix("0.0.0.0/0"))) << text;
    EXPECT_TRUE(prefix(text).contains(Address::parse("::2").value())) << text;
  }
}

TEST(short_ipv6_prefix, on_a_list_means_to_why_what_it_means_to_the_datapath) {
  EngineLab lab;
  lab.folder.write("deny.list", "::/8\n10.0.0.0/8\n::2-::1:0:0:0\n8.8.4.4\n");
  lab.folder.write("allow.list", "::/1\n10.1.0.0/16\n");
  ASSERT_TRUE(lab.engine.load_lists(lab.now()));
  for (const char* text :
       {"8.8.8.8", "8.8.4.4", "10.0.0.1", "10.1.2.3", "0.0.0.1", "240.0.0.1", "::2", "::3",
        "::fffe:1:1", "::1:0:0:0", "1::1", "2001:db8::1", "9000::1"}) {
    const fw_u32 listed = lab.datapath.listed(Address::parse(text).value());
    const engine::ListSet& lists = lab.engine.lists();
    EXPECT_EQ(lists.deny.covering(prefix(text)) != nullptr, (listed & FW_LIST_DENY) != 0) << text;
    EXPECT_EQ(lists.allow.covering(prefix(text)) != nullptr, (listed & FW_LIST_ALLOW) != 0) << text;
    EXPECT_EQ(lists.deny.touching(prefix(text)) != nullptr, (listed & FW_LIST_DENY) != 0) << text;
  }
  EXPECT_EQ(reason(lab, "8.8.8.8"), "pass");
  EXPECT_EQ(reason(lab, "8.8.4.4"), "deny");
}

TEST(short_ipv6_prefix, that_is_allowed_allows_no_ipv4_and_lifts_no_ban_of_it) {
  EngineLab lab;
  ASSERT_TRUE(lab.run("ban", {"8.8.8.8", "::2"}, {{"for", "1h"}}));
  ASSERT_TRUE(lab.run("allow", {"::/8"}, {{"for", "10m"}}));
  EXPECT_TRUE(lab.banned("8.8.8.8"));
  EXPECT_FALSE(lab.banned("::2")) << "allowed with its prefix";
  EXPECT_EQ(reason(lab, "8.8.8.8"), "ban");
  EXPECT_EQ(reason(lab, "::2"), "allow");
  EXPECT_TRUE(lab.run("ban", {"8.8.4.4"})) << "nothing of IPv4 is allowed";
}

TEST(short_ipv6_prefix, on_the_allow_list_keeps_no_ipv4_from_being_banned) {
  EngineLab lab;
  lab.folder.write("allow.list", "::/8\n");
  ASSERT_TRUE(lab.engine.load_lists(lab.now()));
  EXPECT_TRUE(lab.run("ban", {"8.8.8.8"}));
  EXPECT_FALSE(lab.run("ban", {"::3"}));
  EXPECT_EQ(reason(lab, "8.8.8.8"), "ban");
}

TEST(short_ipv6_prefix, is_passed_over_by_searches_for_nested_ipv4_prefixes) {
  engine::PrefixMap<int> map{{prefix("::/0"), 0},
                             {prefix("::/8"), 1},
                             {prefix("10.0.0.0/8"), 2},
                             {prefix("10.1.0.0/16"), 3},
                             {prefix("1::/16"), 4}};
  EXPECT_EQ(engine::find_covering(map, prefix("8.8.8.8")), map.end());
  EXPECT_EQ(engine::find_covering(map, prefix("10.1.2.3"))->second, 3);
  EXPECT_EQ(engine::find_covering(map, prefix("10.2.0.0/16"))->second, 2);
  EXPECT_EQ(engine::find_covering(map, prefix("::3"))->second, 1);
  EXPECT_EQ(engine::find_covering(map, prefix("::1:0:0:0"))->second, 1)
      << "IPv4 entries lie before it";
  EXPECT_EQ(engine::find_covering(map, prefix("2001:db8::1"))->second, 0);
  int visited = 0;
  engine::for_each_inside(map, prefix("::/8"),
                          [&](const auto& entry) { visited |= 1 << entry.second; });
  EXPECT_EQ(visited, 1 << 1 | 1 << 4);
  visited = 0;
  engine::for_each_inside(map, prefix("10.0.0.0/8"),
                          [&](const auto& entry) { visited |= 1 << entry.second; });
  EXPECT_EQ(visited, 1 << 2 | 1 << 3);
}

}  // namespace
