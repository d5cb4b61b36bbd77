// SPDX-License-Identifier: MIT
// Who is cut off by a configuration: the policy is asked about a host that is made up here. And
// what is remembered of configurations over restarts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "daemon/kept_config.hpp"
#include "daemon/lockout_guard.hpp"
#include "harness/temporary_folder.hpp"

namespace {

using namespace fw;
using namespace fw::daemon;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

Address at(std::string_view text) {
  return Address::parse(text).value();
}

// eth0 with 10.0.0.2/24, gateway 10.0.0.1, a resolver, a DHCP server, sshd, a web server, and a
// connection to a database.
Lifelines host(bool session) {
  Lifelines host;
  host.facts.network.interfaces = {
      {.name = "lo", .loopback = true},
      {.name = "eth0", .addresses = {{at("10.0.0.2"), 120}, {at("2001:db8::2"), 64}}}};
  host.facts.network.default_routes = {
      {.has_gateway = true, .gateway = at("10.0.0.1"), .interface = "eth0"},
      {.ipv6 = true, .has_gateway = true, .gateway = at("fe80::1"), .interface = "eth0"}};
  host.facts.dns = {{at("10.0.0.53"), "/etc/resolv.conf"}};
  host.facts.dhcp = {{at("10.0.0.67"), "lease"}};
  host.facts.ssh.ports = {22};
  host.listeners = {{.local = at("::"), .local_port = 22, .proto = IPPROTO_TCP},
                    {.local = at("0.0.0.0"), .local_port = 80, .proto = IPPROTO_TCP}};
  host.connections = {{.local = at("10.0.0.2"),
                       .remote = at("198.51.100.5"),
                       .local_port = 40'000,
                       .remote_port = 5432,
                       .proto = IPPROTO_TCP}};
  if (session)
    host.facts.ssh.sessions = {{.local = at("10.0.0.2"),
                                .remote = at("192.0.2.7"),
                                .local_port = 22,
                                .remote_port = 51'000,
                                .proto = IPPROTO_TCP}};
  host.facts.operators = host.facts.ssh.operators();
  return host;
}

class Lockout : public testing::Test {
 protected:
  std::vector<std::string> objections(const std::string& toml, const std::string& deny,
                                      const Lifelines& lifelines, const std::string& was = "") {
    const config::Source source{{{"floodwall.toml", toml}}}, former{{{"floodwall.toml", was}}};
    const auto config = config::parse(source).value(), old = config::parse(former).value();
    std::filesystem::create_directories(folder_.path());
    EXPECT_TRUE(write_file(folder_.path() / "deny.list", deny));
    auto lists = engine::ListSet::read(config.lists, folder_.path());
    lists.refuse(engine_own(lifelines.facts.network));
    const engine::ListSet none;
    const Candidate current{.source = former, .config = old, .lists = none};
    const LockoutGuard guard(allowances_, "", false, lifelines);
    return guard.objections({.source = source, .config = config, .lists = lists}, &current, now_);
  }

  test::TemporaryFolder folder_;
  engine::PrefixMap<engine::Allowance> allowances_;
  Now now_{.mono_ns = 1000 * kSecond,
           .wall = std::chrono::sys_days(std::chrono::year(2026) / 5 / 1)};
};

constexpr const char* kNoSessions = "[exempt]\noperator_sessions = false\n";
constexpr const char* kNothingExempt =
    "[exempt]\nown_addresses = false\ngateway = false\ndns = false\ndhcp = false\n"
    "operator_sessions = false\n";

TEST_F(Lockout, a_configuration_that_cuts_off_what_must_live_is_objected_to_with_its_key_and_line) {
  struct Case {
    const char* name;
    std::string toml, deny;
    // Of the first objection, without and with an SSH session; empty: there is none.
    const char *nobody, *session;
  };
  const std::string close_ssh =
      "[[service]]\nname = \"ssh\"\nport = \"tcp/22\"\naction = \"drop\"\n";
  for (const Case& c : std::initializer_list<Case>{
           {"default", "", "", "", ""},
           {"deny everything", kNothingExempt, "0.0.0.0/0\n::/0\n", "", ""},
           {"deny everything, in halves", kNothingExempt, "0.0.0.0/1\n128.0.0.0/1\n",
            "the connection of this host to 198.51.100.5 port 5432 would be cut off: deny.list:2: "
            "128.0.0.0/1 is denied",
            "your SSH session from 192.0.2.7 would be cut off: deny.list:2: 128.0.0.0/1"},
           {"deny the operator's network", kNoSessions, "# mine\n192.0.2.0/24\n", "",
            "your SSH session from 192.0.2.7 would be cut off: deny.list:2: 192.0.2.0/24 is "
            "denied. "
            "Take it off the list, or: floodwall allow 192.0.2.7. floodwall.toml:2: "
            "exempt.operator_sessions = false takes its exemption away"},
           {"the operator is exempt", "", "192.0.2.0/24\n", "", ""},
           {"close ssh", kNoSessions + close_ssh, "",
            "every log-in to sshd (port 22) would be cut off: floodwall.toml:6: action = \"drop\"",
            "your SSH session from 192.0.2.7 would be cut off: floodwall.toml:6: action = \"drop\" "
            "of "
            "service \"ssh\" closes the port"},
           {"close ssh, the operator is exempt", close_ssh, "",
            "every log-in to sshd (port 22) would be cut off: floodwall.toml:4", ""},
           // A log-in that succeeded gives its SYN back, even two of them within the second.
           {"1 SYN a second",
            std::string(kNoSessions) + "[limit.default]\nsyn = { limit = \"1/s\" }\n", "", "", ""},
           {"1 packet a second, of peers too",
            std::string(kNoSessions) +
                "[limit.default]\npackets = { limit = \"1/s\", peers = true }\n",
            "", "every log-in",
            "your SSH session from 192.0.2.7 would be cut off: floodwall.toml:4: "
            "it is above limit.default.packets"},
           {"close the ports of the own connections",
            "[[service]]\nname = \"high\"\nport = [\"tcp/32768-60999\", \"udp/32768-60999\"]\n"
            "action = \"drop\"\n",
            "",
            "the connection of this host to 198.51.100.5 port 5432 would be cut off: "
            "floodwall.toml:4",
            "the connection of this host"},
           {"close the resolver's answers",
            "[exempt]\ndns = false\n[[service]]\nname = \"high\"\nport = \"udp/32768-60999\"\n"
            "action = \"drop\"\n",
            "", "the answers of your DNS server 10.0.0.53 would be cut off: floodwall.toml:6",
            "the answers of your DNS server"},
           {"no such interface", "# mine\ninterface = \"eth9\"\n", "",
            "nothing would be protected: floodwall.toml:2: interface = \"eth9\": there is no such "
            "interface. This host has eth0",
            "nothing would be protected"},
           {"observe", std::string("mode = \"observe\"\n") + kNoSessions + close_ssh, "", "", ""},
       }) {
    for (const bool session : {false, true}) {
      const char* wanted = session ? c.session : c.nobody;
      const auto found = objections(c.toml, c.deny, host(session));
      if (*wanted == 0) {
        EXPECT_THAT(found, IsEmpty()) << c.name << session;
      } else {
        ASSERT_FALSE(found.empty()) << c.name << session;
        EXPECT_THAT(found.front(), StartsWith(wanted)) << c.name << session;
      }
    }
  }
}

TEST_F(Lockout, what_is_cut_off_already_is_no_objection) {
  const std::string closed = "[[service]]\nname = \"ssh\"\nport = \"tcp/22\"\naction = \"drop\"\n";
  EXPECT_THAT(objections(closed + "[ban]\ntime = \"90s\"\n", "", host(false), closed), IsEmpty());
}

TEST_F(Lockout, a_host_with_several_ports_of_sshd_keeps_each) {
  Lifelines several = host(false);
  several.facts.ssh.ports = {22, 2222};
  several.listeners.push_back({.local = at("::"), .local_port = 2222, .proto = IPPROTO_TCP});
  EXPECT_THAT(objections("", "", several), IsEmpty());
  EXPECT_THAT(objections("[[service]]\nname = \"other\"\nport = \"tcp/2222\"\naction = \"drop\"\n",
                         "", several),
              ElementsAre(StartsWith(
                  "every log-in to sshd (port 2222) would be cut off: floodwall.toml:4")));
}

TEST_F(Lockout, a_host_without_ipv4_is_judged_by_ipv6) {
  for (const bool session : {false, true}) {
    Lifelines host6 = host(false);
    host6.facts.network.interfaces[1].addresses = {{at("2001:db8::2"), 64}};
    std::erase_if(host6.facts.network.default_routes,
                  [](const auto& route) { return !route.ipv6; });
    host6.facts.dns = {{at("2001:db8:0:53::1"), "/etc/resolv.conf"}};
    host6.facts.dhcp = {};
    host6.connections = {};
    if (session)
      host6.facts.ssh.sessions = {{.local = at("2001:db8::2"),
                                   .remote = at("2001:db8:7::9"),
                                   .local_port = 22,
                                   .remote_port = 51'000,
                                   .proto = IPPROTO_TCP}};
    EXPECT_THAT(objections("", "", host6), IsEmpty()) << session;
    EXPECT_THAT(objections("", "0.0.0.0/1\n128.0.0.0/1\n", host6), IsEmpty()) << session;
    EXPECT_THAT(
        objections(std::string(kNoSessions) +
                       "[[service]]\nname = \"ssh\"\nport = \"tcp/22\"\naction = \"drop\"\n",
                   "", host6),
        testing::Contains(HasSubstr("floodwall.toml:6: action = \"drop\"")))
        << session;
    const auto denied = objections(kNoSessions, "2001:db8:7::/48\n", host6);
    EXPECT_EQ(denied.empty(), !session);
    if (!session) continue;
    EXPECT_THAT(denied.front(), StartsWith("your SSH session from 2001:db8:7::9 would be cut off: "
                                           "deny.list:1: 2001:db8:7::/48 is denied"));
  }
}

TEST_F(Lockout, an_allowance_is_counted) {
  allowances_[Prefix::parse("192.0.2.7").value()] = {.until_ns = now_.mono_ns + 3600 * kSecond,
                                                     .comment = ""};
  EXPECT_THAT(objections(kNoSessions, "192.0.2.0/24\n", host(true)), IsEmpty());
}

TEST_F(Lockout, entries_that_hold_own_networks_or_everything_are_not_in_force) {
  ASSERT_TRUE(
      write_file(folder_.path() / "deny.list",
                 "10.0.0.0/8\n10.0.0.1\n10.0.0.0/30\n0.0.0.0/0\n2001:db8::/32\n10.0.0.200\n"));
  ASSERT_TRUE(write_file(folder_.path() / "allow.list", "::/0\n10.0.0.0/8\n"));
  auto lists = engine::ListSet::read(config::Lists{}, folder_.path());
  lists.refuse(engine_own(host(false).facts.network));
  EXPECT_THAT(
      lists.refusals,
      testing::UnorderedElementsAre(
          "deny.list:1: 10.0.0.0/8 is not in force: it holds your default gateway 10.0.0.1",
          "deny.list:2: 10.0.0.1 is not in force: it holds your default gateway 10.0.0.1",
          "deny.list:3: 10.0.0.0/30 is not in force: it holds your default gateway 10.0.0.1",
          "deny.list:4: 0.0.0.0/0 is not in force: it is every IPv4 address",
          "deny.list:5: 2001:db8::/32 is not in force: it holds this host's own address "
          "2001:db8::2 (eth0)",
          "allow.list:1: ::/0 is not in force: it is every IPv6 address"));
  ASSERT_EQ(lists.deny.entries().size(), 1U);
  EXPECT_EQ(lists.deny.entries().front().first, at("10.0.0.200"));
  lists.refuse({});  // the network is another one now
  EXPECT_EQ(lists.deny.entries().size(), 5U);
  EXPECT_NE(lists.deny.covering(Prefix::parse("10.9.9.9").value()), nullptr);
}

TEST_F(Lockout, entries_with_a_timeout_end) {
  ASSERT_TRUE(
      write_file(folder_.path() / "deny.list",
                 "add a 192.0.2.1 timeout 60\nadd a 192.0.2.2\nadd a 192.0.2.3 timeout 90\n"));
  auto lists = engine::ListSet::read(config::Lists{}, folder_.path(), now_.wall);
  EXPECT_EQ(lists.deny.entries().size(), 3U);
  EXPECT_EQ(lists.deny.first_end(), now_.wall + std::chrono::seconds(60));
  EXPECT_FALSE(lists.deny.expire(now_.wall + std::chrono::seconds(59)));
  EXPECT_TRUE(lists.deny.expire(now_.wall + std::chrono::seconds(60)));
  EXPECT_EQ(lists.deny.covering(Prefix::parse("192.0.2.1").value()), nullptr);
  EXPECT_TRUE(lists.deny.expire(now_.wall + std::chrono::seconds(3600)));
  ASSERT_EQ(lists.deny.entries().size(), 1U);
  EXPECT_EQ(lists.deny.entries().front().first, at("192.0.2.2"));
}

// ------------------------------------------------------------------- places

TEST(Places, a_key_is_found_where_it_is_set_last) {
  const config::Source source{
      {{"floodwall.toml",
        "[exempt]\ndns = false\n\n[limit.default]\nsyn = { limit = \"9/s\" }\n"
        "[[service]]\nname = \"a\"\nport = \"tcp/1\"\n[[service]]\n"
        "name = \"ssh\"\nport = \"tcp/22\"\naction = \"drop\"\n"},
       {"conf.d/10.toml", "\nexempt.dns = true\n"}}};
  EXPECT_EQ(config::place_of(source, "exempt.dns"), "conf.d/10.toml:2");
  EXPECT_EQ(config::place_of(source, "limit.default.syn"), "floodwall.toml:5");
  EXPECT_EQ(config::place_of(source, "service.ssh.action"), "floodwall.toml:12");
  EXPECT_EQ(config::place_of(source, "service.a.action"), "");
  EXPECT_EQ(config::place_of(source, "exempt.gateway"), "");
}

// ------------------------------------------------------------------- what is remembered

class KeptConfigFile : public testing::Test {
 protected:
  KeptConfig reopened() {
    KeptConfig kept(file());
    EXPECT_TRUE(kept.restore());
    return kept;
  }
  [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "s" / "c.json"; }

  test::TemporaryFolder folder_;
  config::Source one_{{{"floodwall.toml", "# 1\n"}, {"conf.d/a.toml", "\"\\\u00e9\n"}}},
      two_{{{"floodwall.toml", "# 2\n"}}}, three_{{{"floodwall.toml", "# 3\n"}}};
  KeptConfig::Pending until_100_{.former = one_,
                                 .deadline = {.boot = "a", .ns = 100 * kSecond},
                                 .wall = std::chrono::sys_days(std::chrono::year(2026) / 5 / 1)};
};

TEST_F(KeptConfigFile, what_is_pending_survives_and_ends_at_its_time_or_with_the_boot) {
  EXPECT_FALSE(reopened().in_force());
  EXPECT_TRUE(KeptConfig(file()).begin(two_, until_100_));
  KeptConfig kept = reopened();
  ASSERT_TRUE(kept.pending());
  EXPECT_EQ(kept.in_force(), two_);
  EXPECT_EQ(kept.pending()->former, one_);
  EXPECT_EQ(kept.pending()->wall, until_100_.wall);
  EXPECT_FALSE(kept.is_due({.boot = "a", .ns = 100 * kSecond - 1}));
  EXPECT_TRUE(kept.is_due({.boot = "a", .ns = 100 * kSecond}));
  EXPECT_TRUE(kept.is_due({.boot = "b", .ns = 0}));

  ASSERT_TRUE(kept.revert());
  kept = reopened();
  EXPECT_FALSE(kept.pending());
  EXPECT_EQ(kept.in_force(), one_);
  EXPECT_EQ(kept.rejected(), two_);
}

TEST_F(KeptConfigFile, a_second_attempt_returns_to_what_was_confirmed_last) {
  KeptConfig kept(file());
  ASSERT_TRUE(kept.begin(two_, until_100_));
  auto again = until_100_;
  again.former = two_;
  ASSERT_TRUE(kept.begin(three_, again));
  EXPECT_EQ(kept.pending()->former, one_);
  ASSERT_TRUE(kept.settle(three_));
  EXPECT_FALSE(reopened().pending());
  EXPECT_EQ(reopened().in_force(), three_);
}

TEST_F(KeptConfigFile, a_damaged_file_is_an_error_and_nothing_is_remembered) {
  ASSERT_TRUE(KeptConfig(file()).settle(one_));
  ASSERT_TRUE(write_file(file(), "{\"in_force\": [1], \"pending\": null, \"rejected\": null}"));
  KeptConfig kept(file());
  const auto restored = kept.restore();
  ASSERT_FALSE(restored);
  EXPECT_THAT(restored.error().message, HasSubstr("damaged"));
  EXPECT_FALSE(kept.in_force());
}

}  // namespace
