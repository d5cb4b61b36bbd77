// SPDX-License-Identifier: MIT
// What `floodwall status` shows: mode, health and problems first, then the interfaces, then the
// counters.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "cli/fields.hpp"
#include "cli/render.hpp"

namespace fw::cli {

using nlohmann::json;

namespace {

std::string headline(const json& reply, const Style& style) {
  const std::string mode = text(reply, "mode");
  std::string does = mode == "enforce"   ? ink(style, Ink::good, "enforcing")
                     : mode == "observe" ? ink(style, Ink::strong, "observing (drops nothing)")
                                         : ink(style, Ink::bad, "off (filters nothing)");
  const bool healthy = flag(reply, "healthy");
  std::string out =
      fmt::format("Floodwall {}: {}, {}, up {} since {}\n", printable(text(reply, "version")), does,
                  healthy ? ink(style, Ink::good, "healthy") : ink(style, Ink::bad, "DEGRADED"),
                  seconds(reply, "uptime_s"), printable(text(reply, "since")));
  for (const json& problem : list(reply, "problems"))
    out += fmt::format("{} {}\n", ink(style, Ink::bad, "problem:"), printable(text_of(problem)));
  return out;
}

std::string attack(const json& reply, const Style& style) {
  const json& given = object(reply, "attack");
  if (given.empty()) return "";
  std::string out =
      ink(style, Ink::bad,
          fmt::format("under attack for {} ({}): {} packets dropped, {} a second at the peak",
                      seconds(given, "duration_s"), printable(text(given, "id")),
                      grouped(number(given, "dropped")), grouped(number(given, "peak_pps"))));
  if (const auto borne = number(given, "borne"); borne != 0)
    out += fmt::format(", {} above a budget borne", grouped(borne));
  for (const json& vector : list(given, "vectors")) {
    out += fmt::format("\n  {} {}", printable(text(vector, "class")),
                       printable(text(vector, "dest_ip")));
    if (const auto port = number(vector, "dest_port"); port != 0)
      out += fmt::format(" port {}", port);
  }
  return out + "\n";
}

std::string interfaces(const json& reply, const Style& style) {
  TextTable table({{"interface"}, {"datapath"}, {"attached"}, {"sees replies"}, {"problem"}});
  for (const json& one : list(reply, "interfaces"))
    table.row({text(one, "name"), text(reply, "datapath"), text(one, "attachment"),
               flag(one, "egress") ? "yes" : "no", text(one, "problem")});
  if (table.empty()) return "no interface is protected\n";
  const std::string cookies = printable(text(reply, "syn_cookies"));
  return table.text(style) + (cookies.empty() ? "" : fmt::format("SYN cookies {}\n", cookies));
}

std::string exempt(const json& reply, const Style& style) {
  TextTable table({{"exempt"}, {"why"}});
  for (const json& one : list(reply, "exempt")) table.row({text(one, "address"), text(one, "why")});
  return table.empty() ? "nothing is exempt\n" : table.text(style);
}

std::string counts(const json& reply) {
  const json& given = object(reply, "counts");
  return fmt::format("{} bans, {} deny entries, {} allow entries, {} exempt, {} signatures\n",
                     grouped(number(given, "bans")), grouped(number(given, "deny_entries")),
                     grouped(number(given, "allow_entries")), grouped(number(given, "exempt")),
                     grouped(number(given, "signatures")));
}

// One row for each word that has packets, in descending order.
void breakdown(TextTable& table, std::string_view what, const json& words) {
  std::vector<std::pair<std::uint64_t, std::string>> order;
  for (const auto& [word, count] : words.items())
    if (number(count, "packets") != 0) order.emplace_back(number(count, "packets"), word);
  std::ranges::sort(order, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  for (const auto& [packets, word] : order)
    table.row({fmt::format("{} {}", what, word), grouped(packets),
               format_size(number(words.at(word), "bytes"))});
}

std::string traffic(const json& reply, const Style& style) {
  const json& given = object(reply, "traffic");
  TextTable table({{"traffic"}, {"packets", true}, {"bytes", true}});
  table.row({"received", grouped(number(given, "packets")), format_size(number(given, "bytes"))});
  table.row({"dropped", grouped(number(given, "dropped_packets")),
             format_size(number(given, "dropped_bytes"))});
  // Packets that observe mode let pass.
  if (const auto would = number(given, "observed_drops"); would != 0)
    table.row({"would drop", grouped(would), ""});
  breakdown(table, "reason", object(given, "reasons"));
  breakdown(table, "class", object(given, "classes"));
  return table.text(style);
}

std::string tables(const json& reply) {
  const json& given = object(reply, "tables");
  std::string out = fmt::format(
      "tables: {} sources, {} flows, {} of {} slots for bans and exemptions, {} of memory\n",
      grouped(number(object(given, "sources"), "capacity")),
      grouped(number(object(given, "flows"), "capacity")),
      grouped(number(object(given, "bans"), "used")),
      grouped(number(object(given, "bans"), "capacity")),
      format_size(number(given, "memory_bytes")));
  const json& log = object(reply, "log");
  if (log.empty()) return out;
  return out + fmt::format("log: {}, {} lines suppressed\n", printable(text(log, "path")),
                           grouped(number(log, "suppressed")));
}

}  // namespace

std::string render_status(const json& reply, const Style& style) {
  return headline(reply, style) + attack(reply, style) + "\n" + interfaces(reply, style) + "\n" +
         exempt(reply, style) + "\n" + counts(reply) + "\n" + traffic(reply, style) + "\n" +
         tables(reply);
}

}  // namespace fw::cli
