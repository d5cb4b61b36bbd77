// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/terminal_text.hpp"
#include "doctor/doctor.hpp"

namespace fw::doctor {

namespace {

using cli::Ink;
using nlohmann::json;

constexpr unsigned kIndent = 9;  // the longest severity, and a blank

std::string heading(const Finding& finding) {
  const std::string about = finding.subject.empty() ? std::string(finding.check) : finding.subject;
  return printable(fmt::format("{}: {}", about, finding.saw));
}

std::string shown(const Finding& finding, const cli::Style& style) {
  const Ink colour = finding.severity == Severity::ok     ? Ink::good
                     : finding.severity == Severity::note ? Ink::faint
                                                          : Ink::bad;
  const std::string severity(word(finding.severity));
  const std::string gap(kIndent - std::min<std::size_t>(kIndent, severity.size()), ' ');
  std::string out =
      cli::wrapped(cli::ink(style, colour, severity) + gap + heading(finding), style, kIndent);
  const std::string blank(kIndent, ' ');
  if (!finding.meaning.empty())
    out += cli::wrapped(blank + printable(finding.meaning), style, kIndent);
  // Not wrapped: it is copied.
  if (!finding.command.empty())
    out += fmt::format("{}$ {}\n", blank, cli::ink(style, Ink::strong, printable(finding.command)));
  return out;
}

std::string counted(std::size_t number, std::string_view singular) {
  return fmt::format("{} {}{}", number, singular, number == 1 ? "" : "s");
}

}  // namespace

std::string render(const Findings& findings, const std::vector<std::string>& unseen, bool all,
                   const cli::Style& style) {
  std::string out;
  std::size_t counts[4] = {};
  for (const Severity severity :
       {Severity::problem, Severity::warning, Severity::note, Severity::ok})
    for (const Finding& one : findings) {
      if (one.severity != severity) continue;
      counts[static_cast<unsigned>(severity)]++;
      if (all || severity != Severity::ok) out += shown(one, style);
    }
  for (const std::string& each : unseen)
    out += cli::wrapped(cli::ink(style, Ink::faint, "unseen   ") + printable(each), style, kIndent);
  out +=
      fmt::format("{}{}, {}, {}, {} ok{}\n", out.empty() ? "" : "\n", counted(counts[3], "problem"),
                  counted(counts[2], "warning"), counted(counts[1], "note"), counts[0],
                  unseen.empty() ? "" : "; sudo floodwall doctor sees more");
  return out;
}

json as_json(const Findings& findings, const std::vector<std::string>& unseen) {
  json rows = json::array();
  for (const Finding& one : findings)
    rows.push_back({{"check", one.check},
                    {"severity", word(one.severity)},
                    {"subject", one.subject},
                    {"saw", one.saw},
                    {"meaning", one.meaning},
                    {"command", one.command}});
  return {{"worst", word(worst(findings))}, {"findings", std::move(rows)}, {"unseen", unseen}};
}

}  // namespace fw::doctor
