// SPDX-License-Identifier: MIT
// What `floodwall baseline` and `floodwall suggest` show.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "cli/fields.hpp"
#include "cli/render.hpp"

namespace fw::cli {

using nlohmann::json;

namespace {

std::string headline(const json& reply) {
  const std::string seen = number(reply, "seconds") == 0 ? "0s" : seconds(reply, "seconds");
  if (!flag(reply, "learning"))
    return fmt::format("not learning (detect.learn = false); {} of normal load seen before\n",
                       seen);
  std::string out = fmt::format("learned from {} of normal load", seen);
  if (number(reply, "seconds") < number(reply, "enough_s"))
    out += fmt::format(", in use after {}", seconds(reply, "enough_s"));
  std::string attacked;
  for (const json& entry : list(reply, "classes"))
    if (flag(entry, "frozen"))
      attacked += (attacked.empty() ? "" : ", ") + std::string(text(entry, "class"));
  if (!attacked.empty()) out += fmt::format("; {}: nothing is learned during the attack", attacked);
  return out + "\n";
}

std::string ports(const json& entry) {
  std::string out;
  for (const json& port : list(entry, "ports")) {
    if (!out.empty()) out += ", ";
    const std::uint64_t name = number(port, "port");
    out += fmt::format("{} {}",
                       name == 0   ? "other"
                       : name == 1 ? "all services, by half"  // kAllServices
                                   : fmt::format("port {}", name),
                       grouped(number(port, "usual_pps")));
  }
  return out;
}

}  // namespace

std::string render_baseline(const json& reply, const Style& style) {
  TextTable table({{"budget of"},
                   {"configured/s", true},
                   {"usual/s", true},
                   {"learned/s", true},
                   {"in force/s", true},
                   {"usual by port"}});
  for (const json& entry : list(reply, "classes"))
    table.row({text(entry, "class"), grouped(number(entry, "configured_pps")),
               grouped(number(entry, "usual_pps")), grouped(number(entry, "learned_pps")),
               grouped(number(entry, "in_force_pps")), ports(entry)});
  return headline(reply) + table.text(style);
}

std::string render_suggestion(const json& reply) {
  return printable_lines(text(reply, "toml"));
}

}  // namespace fw::cli
