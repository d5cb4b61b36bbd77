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
  return wrapped(
      fmt::format("Floodwall {}: {}, {}, up {} since {}", printable(text(reply, "version")), does,
                  healthy ? ink(style, Ink::good, "healthy") : ink(style, Ink::bad, "DEGRADED"),
                  seconds(reply, "uptime_s"), printable(text(reply, "since"))),
      style, 2);
}

std::string problems(const json& reply, const Style& style) {
  std::string out;
  for (const json& problem : list(reply, "problems"))
    out += wrapped(ink(style, Ink::bad, "problem:") + " " + printable(text_of(problem)), style, 2);
  return out;
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

// Addresses with the same reason are one line where there are many.
std::string exempt(const json& reply, const Style& style) {
  constexpr std::size_t kMany = 5;
  std::vector<std::pair<std::string, std::vector<std::string>>> by_why;
  for (const json& one : list(reply, "exempt")) {
    const std::string why = text(one, "why");
    auto at = std::ranges::find(by_why, why, &decltype(by_why)::value_type::first);
    if (at == by_why.end()) at = by_why.insert(by_why.end(), {why, {}});
    at->second.push_back(text(one, "address"));
  }
  TextTable table({{"exempt"}, {"why"}});
  for (const auto& [why, addresses] : by_why) {
    if (addresses.size() >= kMany)
      table.row({fmt::format("{} and {} more", addresses.front(), grouped(addresses.size() - 1)),
                 why + ": floodwall list exempt"});
    else
      for (const std::string& address : addresses) table.row({address, why});
  }
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

std::string tables(const json& reply, const Style& style) {
  const json& given = object(reply, "tables");
  std::string out = wrapped(
      fmt::format(
          "tables: {} sources, {} flows, {} of {} slots for bans and exemptions, {} of memory",
          grouped(number(object(given, "sources"), "capacity")),
          grouped(number(object(given, "flows"), "capacity")),
          grouped(number(object(given, "bans"), "used")),
          grouped(number(object(given, "bans"), "capacity")),
          format_size(number(given, "memory_bytes"))),
      style, 2);
  const json& log = object(reply, "log");
  if (log.empty()) return out;
  return out + fmt::format("log: {}, {} lines suppressed\n", printable(text(log, "path")),
                           grouped(number(log, "suppressed")));
}

}  // namespace

std::string render_status(const json& reply, const Style& style) {
  return render_now(reply, style) + render_attack(reply, style) + headline(reply, style) +
         problems(reply, style) + "\n" + interfaces(reply, style) + "\n" + exempt(reply, style) +
         "\n" + counts(reply) + "\n" + traffic(reply, style) + "\n" + tables(reply, style);
}

}  // namespace fw::cli
