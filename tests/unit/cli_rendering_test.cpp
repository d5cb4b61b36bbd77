// SPDX-License-Identifier: MIT
// What `floodwall` shows for which reply of the daemon.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/render.hpp"
#include "cli/style.hpp"
#include "control/request.hpp"

namespace {

using nlohmann::json;

json status_in_an_attack() {
  return {{"version", "0.1.0"},
          {"mode", "observe"},
          {"since", "2026-05-01T12:00:03.412Z"},
          {"uptime_s", 60},
          {"healthy", true},
          {"now",
           {{"window_s", 10},
            {"in_pps", 21'034},
            {"in_bytes_per_s", 12'500'000},
            {"passed_pps", 1034},
            {"dropped_pps", 19'000},
            {"challenged_pps", 1000},
            {"would_drop_pps", 7}}},
          {"attack",
           {{"id", "20260501-1"},
            {"duration_s", 133},
            {"trend", "rising"},
            {"dropped", 1'234'567},
            {"would_drop", 9},
            {"borne", 0},
            {"peak_pps", 25'000},
            {"vectors",
             {{{"class", "tcp_syn"},
               {"dest_ip", "2001:db8::1"},
               {"dest_port", 80},
               {"pps", 20'000},
               {"done", "dropped by signature s1"},
               {"sampled", 9000},
               {"sources", 4100},
               {"heaviest", "2001:db8:1:2:3:4:5:6"},
               {"heaviest_share", 0.371}},
              {{"class", "icmp_echo"},
               {"dest_ip", ""},
               {"dest_port", 0},
               {"pps", 100},
               {"done", "dropped above its budget of 25/s"},
               {"sampled", 90},
               {"sources", 1},
               {"heaviest", "192.0.2.9"},
               {"heaviest_share", 1.0}}}}}}};
}

TEST(rendering, of_status_begins_with_what_goes_on) {
  const std::string text = fw::cli::render("status", status_in_an_attack(), {});
  EXPECT_EQ(
      text.substr(0, text.find("Floodwall")),
      R"(now (10 s): in 21,034/s (100.0 Mbit/s), passed 1,034/s, dropped 19,000/s, asked back 1,000/s, would drop 7/s
ATTACK 20260501-1 for 2m13s, rising: 1,234,567 packets dropped, 9 would be; 25,000/s at the peak
  tcp_syn to 2001:db8::1 port 80: 20,000/s, dropped by signature s1; 4,100 sources in 9,000 samples, heaviest 2001:db8:1:2:3:4:5:6 (37.1 %)
  icmp_echo: 100/s, dropped above its budget of 25/s; one source: 192.0.2.9
  who: floodwall list sources --by dropped
)");
}

TEST(rendering, of_status_fits_80_columns_and_names_thousands_of_own_addresses_in_a_line) {
  json reply = status_in_an_attack();
  reply["problems"] = {
      "no interface is attached: nothing is protected, and this sentence is one of "
      "the long ones that say what to do about it"};
  for (int i = 0; i < 4000; ++i)
    reply["exempt"].push_back({{"address", fmt::format("10.{}.{}.1", i / 250, i % 250)},
                               {"why", "this host's own address (up0)"}});
  reply["exempt"].push_back({{"address", "192.0.2.1"}, {"why", "default gateway"}});
  for (const bool colour : {false, true}) {
    std::string text = fw::cli::render("status", reply, {.colour = colour, .width = 80});
    EXPECT_LT(std::ranges::count(text, '\n'), 40);
    EXPECT_NE(text.find("10.0.0.1 and 3,999 more"), std::string::npos);
    for (std::size_t at = 0; (at = text.find('\033')) != std::string::npos;)
      text.erase(at, text.find('m', at) - at + 1);
    while (!text.empty()) {
      EXPECT_LE(fw::cli::columns_of(text.substr(0, text.find('\n'))), 80U) << text.substr(0, 200);
      text.erase(0, text.find('\n') + 1);
    }
  }
}

TEST(rendering, of_sources_and_ports) {
  const json row{{"source", "192.0.2.9"},
                 {"pps", 900},
                 {"dropped_pps", 800},
                 {"share", 0.9},
                 {"surplus_pps", 0},
                 {"word", "budget"},
                 {"ports", {"udp/53", "udp/54"}},
                 {"command", "floodwall ban 192.0.2.9 --for 1h"}};
  EXPECT_EQ(fw::cli::render(
                "list", {{"by", "dropped"}, {"sources", {row}}, {"prefixes", json::array()}}, {}),
            R"(
source     packets/s  dropped/s   share  is      to
192.0.2.9        900        800  90.0 %  budget  udp/53
to type: floodwall ban 192.0.2.9 --for 1h
)");
  EXPECT_EQ(fw::cli::render("list", {{"by", "packets"}, {"ports", json::array()}}, {}),
            "no port stands out: none has 0.2 % of the packets\n");
}

TEST(rendering, of_status) {
  const json reply{
      {"version", "0.1.0"},
      {"mode", "enforce"},
      {"since", "2026-05-01T12:00:03.412Z"},
      {"uptime_s", 11520},
      {"datapath", "xdp"},
      {"healthy", false},
      {"problems", {"eth1 is gone: not protected"}},
      {"interfaces",
       {{{"name", "eth0"}, {"attachment", "native"}, {"egress", true}, {"problem", ""}},
        {{"name", "eth1"}, {"attachment", "none"}, {"egress", false}, {"problem", "gone"}}}},
      {"syn_cookies", "off: net.ipv4.tcp_syncookies is 0"},
      {"exempt", {{{"address", "203.0.113.1"}, {"why", "gateway, DHCP server"}}}},
      {"counts",
       {{"bans", 2},
        {"deny_entries", 1000000},
        {"allow_entries", 3},
        {"exempt", 1},
        {"signatures", 0}}},
      {"traffic",
       {{"packets", 1234567},
        {"observed_drops", 7},
        {"bytes", 2097152},
        {"dropped_packets", 1000},
        {"dropped_bytes", 1024},
        {"reasons",
         {{"ban", {{"packets", 10}, {"bytes", 1024}}},
          {"pass", {{"packets", 1233567}, {"bytes", 2096128}}},
          {"deny", {{"packets", 0}, {"bytes", 0}}}}},
        {"classes", {{"tcp_syn", {{"packets", 12}, {"bytes", 720}}}}}}},
      {"tables",
       {{"sources", {{"capacity", 262144}}},
        {"flows", {{"capacity", 524288}}},
        {"bans", {{"capacity", 131072}, {"used", 2}}},
        {"memory_bytes", 50331648}}},
      {"log", {{"path", "/var/log/floodwall/floodwall.log"}, {"suppressed", 0}}}};
  EXPECT_EQ(fw::cli::render("status", reply, {}),
            R"(no attack
Floodwall 0.1.0: enforcing, DEGRADED, up 3h12m since 2026-05-01T12:00:03.412Z
problem: eth1 is gone: not protected

interface  datapath  attached  sees replies  problem
eth0       xdp       native    yes
eth1       xdp       none      no            gone
SYN cookies off: net.ipv4.tcp_syncookies is 0

exempt       why
203.0.113.1  gateway, DHCP server

2 bans, 1,000,000 deny entries, 3 allow entries, 1 exempt, 0 signatures

traffic          packets    bytes
received       1,234,567  2.0 MiB
dropped            1,000  1.0 KiB
would drop             7
reason pass    1,233,567  2.0 MiB
reason ban            10  1.0 KiB
class tcp_syn         12    720 B

tables: 262,144 sources, 524,288 flows, 2 of 131,072 slots for bans and exemptions, 48.0 MiB of memory
log: /var/log/floodwall/floodwall.log, 0 lines suppressed
)");
}

TEST(rendering, of_a_list) {
  const json bans{{"bans",
                   {{{"address", "203.0.113.77"},
                     {"until", "2026-05-01T12:01:03.412Z"},
                     {"left_s", 47},
                     {"rule", "game"},
                     {"reason", ""},
                     {"offence", 1},
                     {"by", "limit"},
                     {"dropped", 4210331}},
                    {{"address", "2001:db8::/64"},
                     {"until", "forever"},
                     {"rule", ""},
                     {"by", "operator"},
                     {"reason", "ssh guessing"},
                     {"dropped", 0}}}}};
  EXPECT_EQ(
      fw::cli::render("list", bans, {}),
      R"(address        left  until                     offence  by        rule    dropped  reason
203.0.113.77    47s  2026-05-01T12:01:03.412Z        1  limit     game  4,210,331
2001:db8::/64        forever                            operator                0  ssh guessing
)");
  const json all{{"bans", json::array()},
                 {"deny",
                  {{{"entry", "198.51.100.0/24"},
                    {"file", "/etc/floodwall/deny.list"},
                    {"line", 14},
                    {"comment", "feed"}}}},
                 {"exempt", json::array()},
                 {"truncated", {{"deny", 999999}}}};
  EXPECT_EQ(fw::cli::render("list", all, {}), R"(bans (0)

deny (1,000,000)
entry            from                         comment
198.51.100.0/24  /etc/floodwall/deny.list:14  feed
... and 999,999 more

exempt (0)
)");
  EXPECT_EQ(fw::cli::render("list", {{"bans", json::array()}}, {}), "no bans\n");
}

TEST(rendering, of_why) {
  const json answer{
      {"address", "203.0.113.77"},
      {"verdict", "drop"},
      {"headline", "BANNED until 12:01:03 (47 s left), first offence"},
      {"lines",
       json::array({
           json::array({"rule", "service \"game\", udp/27015, ban above 2,000 pkt/s over 1 s"}),
           json::array({"measured", "12,400 pkt/s, 5.9 MB/s at 12:00:03.412"}),
       })},
      {"remedies",
       {"lift it: floodwall unban 203.0.113.77", "keep it off: floodwall allow 203.0.113.77"}}};
  const std::string_view expected = R"(BANNED until 12:01:03 (47 s left), first offence
  rule     service "game", udp/27015, ban above 2,000 pkt/s over 1 s
  measured 12,400 pkt/s, 5.9 MB/s at 12:00:03.412
  lift it: floodwall unban 203.0.113.77     keep it off: floodwall allow 203.0.113.77
)";
  EXPECT_EQ(fw::cli::render("why", {{"answers", {answer}}}, {}), expected);
  EXPECT_EQ(fw::cli::render("why", {{"answers", {answer, answer}}}, {}),
            fmt::format("203.0.113.77: {0}\n203.0.113.77: {0}", expected));
  EXPECT_TRUE(fw::cli::render("why", {{"answers", {answer}}}, {.colour = true})
                  .starts_with("\033[1;31mBANNED until"));
}

TEST(rendering, of_results_is_a_line_each_or_their_number) {
  json results = json::array();
  for (int i = 0; i < 20; ++i)
    results.push_back({{"address", "192.0.2.1"}, {"changed", i != 0}, {"message", "banned"}});
  const std::string twenty = fw::cli::render("ban", {{"results", results}}, {});
  EXPECT_EQ(std::ranges::count(twenty, '\n'), 20);
  EXPECT_TRUE(twenty.starts_with("192.0.2.1: banned\n")) << twenty;
  results.push_back(results.back());
  EXPECT_EQ(fw::cli::render("ban", {{"results", results}}, {}), "ban: 21 addresses, 20 changed\n");
  EXPECT_EQ(fw::cli::render("unban", {{"results", json::array()}, {"count", 1200}}, {}),
            "unban: 1,200 changed\n");
}

TEST(rendering, of_messages_and_changes) {
  EXPECT_EQ(fw::cli::render("mode", {{"mode", "observe"}, {"message", "observing"}}, {}),
            "observing\n");
  EXPECT_EQ(fw::cli::render("apply", {{"message", "in force"}, {"changes", {"a", "b"}}}, {}),
            "in force\n  a\n  b\n");
  EXPECT_EQ(fw::cli::render("check", {{"valid", true}, {"message", "valid\nskipped: \033x"}}, {}),
            "valid\nskipped: \\x1bx\n");
}

TEST(rendering, survives_replies_of_another_form) {
  for (const auto& verb : fw::control::kVerbs)
    for (const json& reply :
         {json::object(), json{{"bans", 1}, {"results", {1, nullptr}}, {"traffic", "x"}},
          json{{"answers", {1, {{"lines", {1, {2}, {{}, {}}}}}}},
               {"events", {{{"text", {1}}}}},
               {"interfaces", {7}},
               {"uptime_s", -4},
               {"changes", {{1, 2}}}}})
      EXPECT_TRUE(fw::cli::render(verb.name, reply, {}).find('\0') == std::string::npos)
          << verb.name;
}

TEST(rendering, never_lets_a_reply_command_the_terminal) {
  const json reply{{"bans", {{{"address", "192.0.2.1"}, {"reason", "\033[2Jx\u009by\nz"}}}}};
  const std::string text = fw::cli::render("list", reply, {.colour = true});
  EXPECT_NE(text.find(R"(\x1b[2Jx\xc2\x9by\nz)"), std::string::npos) << text;
}

TEST(rendering, cuts_table_lines_at_the_width_of_the_terminal) {
  fw::cli::TextTable table({{"address"}, {"count", true}, {"nothing"}, {"reason"}});
  table.row({"192.0.2.1", "1", "", "a long reason, in größter Länge"});
  table.row({"192.0.2.10", "1000", "", "short"});
  EXPECT_EQ(table.text({}),
            "address     count  reason\n"
            "192.0.2.1       1  a long reason, in größter Länge\n"
            "192.0.2.10   1000  short\n");
  EXPECT_EQ(table.text({.width = 40}),
            "address     count  reason\n"
            "192.0.2.1       1  a long reason, in gr…\n"
            "192.0.2.10   1000  short\n");
}

TEST(rendering, of_a_baseline_shows_each_budget_in_a_row) {
  const json reply{{"learning", true},
                   {"seconds", 600},
                   {"enough_s", 3600},
                   {"classes",
                    {{{"class", "tcp_syn"},
                      {"configured_pps", 25.0},
                      {"usual_pps", 62.0},
                      {"learned_pps", 1240.0},
                      {"in_force_pps", 25.0},
                      {"frozen", true},
                      {"ports", {{{"port", 443}, {"usual_pps", 62.0}}}}}}}};
  const std::string text = fw::cli::render("baseline", reply, {});
  EXPECT_NE(text.find("learned from 10m of normal load, in use after 1h"), std::string::npos)
      << text;
  EXPECT_NE(text.find("tcp_syn: nothing is learned during the attack"), std::string::npos) << text;
  EXPECT_NE(text.find("port 443 62"), std::string::npos) << text;
  EXPECT_NE(text.find("1,240"), std::string::npos) << text;
}

}  // namespace
