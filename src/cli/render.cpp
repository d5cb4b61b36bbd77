// SPDX-License-Identifier: MIT
// Replies as text: lists, why, and those that are a line or two.
#include "cli/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "cli/fields.hpp"
#include "control/verbs.hpp"

namespace fw::cli {

using nlohmann::json;

namespace {

// "deny.list:14"
std::string place(const json& entry) {
  const std::string line = text(entry, "line");
  return line.empty() || line == "0" ? text(entry, "file")
                                     : fmt::format("{}:{}", text(entry, "file"), line);
}

TextTable bans(const json& entries) {
  TextTable table({{"address"},
                   {"kind"},
                   {"left", true},
                   {"until"},
                   {"offence", true},
                   {"by"},
                   {"rule"},
                   {"dropped", true},
                   {"would drop", true},
                   {"reason"}});
  for (const json& ban : entries) {
    const bool forever = text(ban, "until") == "forever";
    const std::uint64_t would = number(ban, "would_drop");
    table.row({text(ban, "address"), text(ban, "kind"), forever ? "" : seconds(ban, "left_s"),
               text(ban, "until"), text(ban, "offence"), text(ban, "by"), text(ban, "rule"),
               grouped(number(ban, "dropped")), would == 0 ? "" : grouped(would),
               text(ban, "reason")});
  }
  return table;
}

TextTable listed(const json& entries) {
  TextTable table({{"entry"}, {"until"}, {"from"}, {"comment"}});
  for (const json& entry : entries)
    table.row({text(entry, "entry"), text(entry, "until"), place(entry), text(entry, "comment")});
  return table;
}

TextTable exempt(const json& entries) {
  TextTable table({{"address"}, {"why"}});
  for (const json& entry : entries) table.row({text(entry, "address"), text(entry, "why")});
  return table;
}

TextTable signatures(const json& entries) {
  TextTable table(
      {{"id"}, {"match"}, {"dropped", true}, {"explains"}, {"of normal"}, {"since"}, {""}});
  for (const json& entry : entries)
    table.row({text(entry, "id"), text(entry, "match"), grouped(number(entry, "packets")),
               percent(entry, "explains"), percent(entry, "baseline"), text(entry, "since"),
               flag(entry, "pinned") ? "pinned" : ""});
  return table;
}

TextTable attacks(const json& entries) {
  TextTable table({{"attack"},
                   {"since"},
                   {"lasted"},
                   {"peak/s", true},
                   {"dropped", true},
                   {"passed", true},
                   {"vectors"},
                   {"capture"}});
  for (const json& entry : entries) {
    std::string vectors;
    for (const json& vector : list(entry, "vectors")) {
      if (!vectors.empty()) vectors += ", ";
      vectors += text(vector, "class");
      if (const auto port = number(vector, "dest_port"); port != 0)
        vectors += fmt::format(" port {}", port);
    }
    table.row({text(entry, "id"), text(entry, "since"),
               seconds(entry, "duration_s") + (flag(entry, "ended") ? "" : ", goes on"),
               grouped(number(entry, "peak_pps")), grouped(number(entry, "dropped")),
               grouped(number(entry, "passed")), vectors, text(entry, "capture")});
  }
  return table;
}

TextTable section(std::string_view name, const json& entries) {
  if (name == "bans") return bans(entries);
  if (name == "exempt") return exempt(entries);
  if (name == "signatures") return signatures(entries);
  if (name == "attacks") return attacks(entries);
  return listed(entries);
}

std::string_view none_of(std::string_view name) {
  if (name == "bans") return "no bans\n";
  if (name == "deny") return "the deny list is empty\n";
  if (name == "allow") return "the allow list is empty\n";
  if (name == "exempt") return "nothing is exempt\n";
  if (name == "attacks") return "no attack since the start\n";
  return "no signatures in force\n";
}

std::string answer(const json& given, bool several, const Style& style) {
  const bool dropped = text(given, "verdict") == "drop" || flag(given, "loses");
  const std::string name = several ? printable(text(given, "address")) + ": " : "";
  std::string out =
      name + ink(style, dropped ? Ink::bad : Ink::good, printable(text(given, "headline"))) + "\n";
  std::size_t width = 0;
  for (const json& line : list(given, "lines"))
    if (line.is_array() && line.size() == 2)
      width = std::max(width, columns_of(printable(text_of(line[0]))));
  for (const json& line : list(given, "lines")) {
    if (!line.is_array() || line.size() != 2) continue;
    const std::string key = printable(text_of(line[0]));
    out += fmt::format("  {}{} {}\n", ink(style, Ink::faint, key),
                       std::string(width - columns_of(key), ' '), printable(text_of(line[1])));
  }
  std::string remedies;
  for (const json& remedy : list(given, "remedies"))
    remedies += (remedies.empty() ? "  " : "     ") + printable(text_of(remedy));
  return remedies.empty() ? out : out + remedies + "\n";
}

std::string counted(std::string_view verb, std::uint64_t addresses, std::uint64_t changed) {
  return fmt::format("{}: {} addresses, {} changed\n", verb, grouped(addresses), grouped(changed));
}

}  // namespace

std::string render_list(const json& reply, const Style& style) {
  if (reply.contains("by")) return render_heavy(reply, style);
  std::vector<std::string_view> names;
  for (const std::string_view name : control::kLists)
    if (reply.contains(name)) names.push_back(name);
  std::string out;
  for (const std::string_view name : names) {
    const json& entries = list(reply, name);
    const std::uint64_t more = number(object(reply, "truncated"), name);
    if (names.size() > 1)
      out +=
          fmt::format("{}{} ({})\n", out.empty() ? "" : "\n", name, grouped(entries.size() + more));
    if (!entries.empty())
      out += section(name, entries).text(style);
    else if (names.size() == 1)
      out += none_of(name);
    if (more != 0) out += fmt::format("... and {} more\n", grouped(more));
  }
  return out;
}

std::string render_why(const json& reply, const Style& style) {
  const json& answers = list(reply, "answers");
  std::string out;
  for (const json& given : answers)
    out += (out.empty() ? "" : "\n") + answer(given, answers.size() > 1, style);
  return out;
}

std::string render_results(std::string_view verb, const json& reply) {
  const json& results = list(reply, "results");
  if (!reply.contains("results"))  // asked to be brief
    return counted(verb, number(reply, "count"), number(reply, "changed"));
  if (results.size() > kMostResultLines) {
    const auto changed =
        std::ranges::count_if(results, [](const json& result) { return flag(result, "changed"); });
    return counted(verb, results.size(), static_cast<std::uint64_t>(changed));
  }
  std::string out;
  for (const json& result : results) {
    const std::string cleaned = printable(text(result, "message"));
    const std::string_view done = flag(result, "changed") ? "done" : "nothing to do";
    out += fmt::format("{}: {}\n", printable(text(result, "address")),
                       cleaned.empty() ? done : std::string_view(cleaned));
  }
  // `unban --all` names no addresses.
  if (results.empty()) out = fmt::format("{}: {} changed\n", verb, grouped(number(reply, "count")));
  return out;
}

std::string render_message(const json& reply) {
  const std::string message = printable_lines(text(reply, "message"));
  std::string out = message.empty() ? "" : message + "\n";
  for (const json& change : list(reply, "changes"))
    out += fmt::format("  {}\n", printable(change.is_string() ? text_of(change) : change.dump()));
  return out;
}

std::string render_events(const json& reply) {
  std::string out;
  if (const auto more = number(reply, "left_out"); more != 0)
    out = fmt::format("... {} earlier ones: --limit shows more\n", grouped(more));
  for (const json& event : list(reply, "events")) out += printable(text(event, "text")) + "\n";
  return out;
}

std::string render_settings(const json& reply, const Style& style) {
  TextTable table({{"key"}, {"value"}, {"from"}});
  for (const json& row : list(reply, "settings")) {
    const std::string from = text(row, "place");
    table.row({text(row, "key"), text(row, "value"), from.empty() ? "default" : from});
  }
  return table.text(style);
}

std::string render(std::string_view verb, const json& reply, const Style& style) {
  if (verb == "status") return render_status(reply, style);
  if (verb == "list") return render_list(reply, style);
  if (verb == "why") return render_why(reply, style);
  if (verb == "attack") return render_attack_report(reply);
  if (verb == "events") return render_events(reply);
  if (verb == "baseline") return render_baseline(reply, style);
  if (verb == "suggest") return render_suggestion(reply);
  if (verb == "metrics") return printable_lines(text(reply, "text"));
  if (verb == "settings") return render_settings(reply, style);
  if (reply.contains("results") || reply.contains("count")) return render_results(verb, reply);
  return render_message(reply);
}

}  // namespace fw::cli
