// SPDX-License-Identifier: MIT
// What goes on at this moment: the first lines of `status`, and `list sources` and `list ports`.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "cli/fields.hpp"
#include "cli/render.hpp"

namespace fw::cli {

using nlohmann::json;

namespace {

std::string bits_per_second(std::uint64_t bytes) {
  const double bits = 8 * static_cast<double>(bytes);
  if (bits >= 1e9) return fmt::format("{:.1f} Gbit/s", bits / 1e9);
  if (bits >= 1e6) return fmt::format("{:.1f} Mbit/s", bits / 1e6);
  return fmt::format("{:.0f} kbit/s", bits / 1e3);
}

std::string vector_line(const json& vector) {
  std::string name = text(vector, "class");
  if (const std::string to = text(vector, "dest_ip"); !to.empty()) name += " to " + to;
  if (const auto port = number(vector, "dest_port"); port != 0)
    name += fmt::format(" port {}", port);
  std::string line =
      fmt::format("{}: {}/s, {}", name, grouped(number(vector, "pps")), text(vector, "done"));
  const std::uint64_t sources = number(vector, "sources"), sampled = number(vector, "sampled");
  if (sampled == 0) return line;
  line += sources == 1
              ? "; one source"
              : fmt::format("; {} sources in {} samples", grouped(sources), grouped(sampled));
  if (vector.contains("heaviest") && sources != 1)
    line += fmt::format(", heaviest {} ({})", text(vector, "heaviest"),
                        percent(vector, "heaviest_share"));
  else if (vector.contains("heaviest"))
    line += fmt::format(": {}", text(vector, "heaviest"));
  return line;
}

TextTable heavy_table(std::string_view what, const json& rows) {
  const bool observing = !rows.empty() && rows.front().contains("would_drop_pps");
  TextTable table({{what},
                   {"packets/s", true},
                   {observing ? "would drop/s" : "dropped/s", true},
                   {"share", true},
                   {"is"},
                   {"to"}});
  for (const json& row : rows) {
    std::string ports;
    for (const json& port : list(row, "ports"))
      if (ports.empty()) ports = text_of(port);
    if (row.contains("served")) ports = flag(row, "served") ? "served" : "closed";
    const bool bytes = number(row, "bytes_per_s") != 0 && number(row, "pps") == 0;
    const std::uint64_t surplus = number(row, "surplus_pps");
    table.row({text(row, row.contains("port") ? "port" : "source"),
               bytes ? bits_per_second(number(row, "bytes_per_s"))
                     : (surplus != 0 ? "<" : "") + grouped(number(row, "pps")),
               grouped(number(row, observing ? "would_drop_pps" : "dropped_pps")),
               bytes ? "" : percent(row, "share"), text(row, "word"), ports});
  }
  return table;
}

}  // namespace

std::string render_now(const json& reply, const Style& style) {
  const json& now = object(reply, "now");
  if (now.empty()) return "";
  const std::uint64_t window = number(now, "window_s");
  std::string line = fmt::format(
      "now ({} s): in {}/s ({}), passed {}/s, ", window, grouped(number(now, "in_pps")),
      bits_per_second(number(now, "in_bytes_per_s")), grouped(number(now, "passed_pps")));
  line += ink(style, number(now, "dropped_pps") != 0 ? Ink::bad : Ink::good,
              fmt::format("dropped {}/s", grouped(number(now, "dropped_pps"))));
  if (const auto asked = number(now, "challenged_pps"); asked != 0)
    line += fmt::format(", asked back {}/s", grouped(asked));
  if (const auto would = number(now, "would_drop_pps"); would != 0)
    line += fmt::format(", would drop {}/s", grouped(would));
  return wrapped(line, style, 2);
}

std::string render_attack(const json& reply, const Style& style) {
  const json& given = object(reply, "attack");
  if (given.empty()) {
    const json& last = object(reply, "last_attack");
    if (last.empty()) return "no attack\n";
    return fmt::format("no attack; the last one, {}, ended {} ago\n", printable(text(last, "id")),
                       seconds(last, "ended_s"));
  }
  std::string head =
      fmt::format("ATTACK {} for {}", printable(text(given, "id")), seconds(given, "duration_s"));
  if (const std::string trend = text(given, "trend"); !trend.empty())
    head += ", " + printable(trend);
  head += fmt::format(": {} packets dropped", grouped(number(given, "dropped")));
  if (const auto would = number(given, "would_drop"); would != 0)
    head += fmt::format(", {} would be", grouped(would));
  if (const auto borne = number(given, "borne"); borne != 0)
    head += fmt::format(", {} borne", grouped(borne));
  head += fmt::format("; {}/s at the peak", grouped(number(given, "peak_pps")));
  std::string out = wrapped(ink(style, Ink::bad, head), style, 2);
  constexpr std::size_t kShown = 5;
  std::size_t shown = 0;
  const json& vectors = list(given, "vectors");
  for (const json& vector : vectors) {
    if (++shown > kShown) break;
    out += wrapped("  " + printable(vector_line(vector)), style, 4);
  }
  if (vectors.size() > kShown)
    out += fmt::format("  and {} more: floodwall list attacks\n", vectors.size() - kShown);
  return out + "  who: floodwall list sources --by dropped\n";
}

std::string render_heavy(const json& reply, const Style& style) {
  std::string out = render_now(reply, style);
  bool lower = false;
  for (const char* what : {"sources", "prefixes", "ports"}) {
    const json& rows = list(reply, what);
    if (rows.empty()) continue;
    const std::string_view name = std::string_view(what) == "sources"    ? "source"
                                  : std::string_view(what) == "prefixes" ? "prefix"
                                                                         : "port";
    out += "\n" + heavy_table(name, rows).text(style);
    out += fmt::format("to type: {}\n", printable(text(rows.front(), "command")));
    for (const json& row : rows) lower = lower || number(row, "surplus_pps") != 0;
  }
  if (list(reply, "sources").empty() && list(reply, "ports").empty())
    out += fmt::format("no {} stands out: none has 0.2 % of the packets\n",
                       reply.contains("ports") ? "port" : "source");
  if (lower) out += "<: at most so much\n";
  return out;
}

}  // namespace fw::cli
