// SPDX-License-Identifier: MIT
#include "top/frame.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/terminal_text.hpp"
#include "cli/fields.hpp"

namespace fw::top {
namespace {

using cli::list;
using cli::number;
using cli::object;
using nlohmann::json;

// What a terminal view can use of a reply; a daemon sends less.
constexpr std::size_t kMostRows = 200, kMostClasses = 32, kMostSeconds = 120;

std::string text(const json& from, std::string_view key) {
  return shown(cli::text(from, key));
}

std::vector<std::uint64_t> numbers(const json& from, std::string_view key) {
  std::vector<std::uint64_t> all;
  for (const json& value : list(from, key)) {
    if (all.size() == kMostSeconds) break;
    all.push_back(value.is_number_unsigned() ? value.get<std::uint64_t>() : 0);
  }
  return all;
}

Vector vector_of(const json& row) {
  Vector vector{.to = text(row, "class"),
                .pps = number(row, "pps"),
                .done = text(row, "done"),
                .sources = number(row, "sources"),
                .sampled = number(row, "sampled"),
                .heaviest = text(row, "heaviest"),
                .share = cli::percent(row, "heaviest_share")};
  if (const std::string to = text(row, "dest_ip"); !to.empty()) vector.to += " to " + to;
  if (const auto port = number(row, "dest_port"); port != 0)
    vector.to += fmt::format(" port {}", port);
  return vector;
}

Attack attack_of(const json& given) {
  Attack attack{.id = text(given, "id"),
                .age = cli::seconds(given, "duration_s"),
                .trend = text(given, "trend"),
                .dropped = number(given, "dropped"),
                .would_drop = number(given, "would_drop"),
                .borne = number(given, "borne"),
                .pps = number(given, "pps"),
                .peak_pps = number(given, "peak_pps"),
                .vectors = {}};
  for (const json& row : list(given, "vectors"))
    if (attack.vectors.size() < kMostRows) attack.vectors.push_back(vector_of(row));
  return attack;
}

ClassRow class_of(const json& row) {
  ClassRow made{.name = text(row, "class"),
                .in = number(row, "in_pps"),
                .unverified = number(row, "unverified_pps"),
                .refused = number(row, "refused_pps"),
                .budget = {},
                .used = number(row, "used_pps"),
                .by_second = numbers(row, "by_second")};
  if (row.is_object() && row.contains("budget_pps")) made.budget = number(row, "budget_pps");
  return made;
}

std::vector<Source> sources_of(const json& reply, std::string_view what, bool observing) {
  std::vector<Source> all;
  for (const json& row : list(reply, what)) {
    if (all.size() == kMostRows) break;
    Source source{.address = text(row, "source"),
                  .pps = number(row, "pps"),
                  .dropped = number(row, observing ? "would_drop_pps" : "dropped_pps"),
                  .surplus = number(row, "surplus_pps"),
                  .bytes_per_s = number(row, "bytes_per_s"),
                  .share = cli::percent(row, "share"),
                  .word = text(row, "word"),
                  .port = {}};
    if (const json& ports = list(row, "ports"); !ports.empty())
      source.port = shown(cli::text_of(ports.front()));
    all.push_back(std::move(source));
  }
  return all;
}

std::string interfaces_of(const json& status) {
  const json& all = list(status, "interfaces");
  constexpr std::size_t kNamed = 3;
  std::string names;
  for (std::size_t i = 0; i < std::min(all.size(), kNamed); ++i)
    names += fmt::format("{}{} ({})", i == 0 ? "" : ", ", text(all[i], "name"),
                         text(all[i], "attachment"));
  if (all.size() > kNamed) names += fmt::format(" and {} more", all.size() - kNamed);
  return names.empty() ? "no interface" : names;
}

void read_rates(const json& status, Frame& frame) {
  const json& now = object(status, "now");
  frame.window_s = number(now, "window_s");
  frame.in = number(now, "in_pps");
  frame.in_bytes = number(now, "in_bytes_per_s");
  frame.passed = number(now, "passed_pps");
  frame.dropped = number(now, "dropped_pps");
  frame.would_drop = number(now, "would_drop_pps");
  frame.challenged = number(now, "challenged_pps");
  const json& seconds = object(status, "seconds");
  frame.seconds = {.newest = number(seconds, "newest"),
                   .in = numbers(seconds, "in"),
                   .passed = numbers(seconds, "passed"),
                   .dropped = numbers(seconds, "dropped")};
}

}  // namespace

std::string shown(std::string_view text) {
  const std::string safe = printable(text);
  std::string out;
  for (std::size_t i = 0; i < safe.size(); ++i) {
    const auto first = static_cast<unsigned char>(safe[i]);
    if (first < 0x80) {
      out += safe[i];
    } else if (first >= 0xc2 && first <= 0xcb && i + 1 < safe.size()) {  // up to U+02FF
      const bool soft_hyphen = first == 0xc2 && static_cast<unsigned char>(safe[i + 1]) == 0xad;
      out += soft_hyphen ? "?" : safe.substr(i, 2);
      ++i;
    } else if (first >= 0xc0) {
      out += '?';  // its later bytes are skipped
    }
  }
  return out;
}

Frame read_frame(const json& status, const json& sources, const json& signatures) {
  Frame frame;
  frame.mode = text(status, "mode");
  frame.datapath = text(status, "datapath");
  frame.interfaces = interfaces_of(status);
  frame.uptime = cli::seconds(status, "uptime_s");
  for (const json& problem : list(status, "problems"))
    if (frame.problems.size() < kMostRows) frame.problems.push_back(shown(cli::text_of(problem)));
  if (const std::string why = text(status, "suffering"); !why.empty())
    frame.problems.push_back("this host suffers: " + why);
  read_rates(status, frame);
  for (const json& row : list(status, "classes"))
    if (frame.classes.size() < kMostClasses) frame.classes.push_back(class_of(row));
  if (const json& attack = object(status, "attack"); !attack.empty())
    frame.attack = attack_of(attack);
  if (const json& last = object(status, "last_attack"); !last.empty())
    frame.last_attack = fmt::format("the last one, {}, ended {} ago", text(last, "id"),
                                    cli::seconds(last, "ended_s"));
  frame.by_dropped = cli::text(sources, "by") == "dropped";
  frame.observing = cli::text(status, "mode") == "observe";
  frame.sources = sources_of(sources, "sources", frame.observing);
  frame.prefixes = sources_of(sources, "prefixes", frame.observing);
  for (const json& row : list(signatures, "signatures"))
    if (frame.signatures.size() < kMostRows)
      frame.signatures.push_back({.id = text(row, "id"),
                                  .match = text(row, "match"),
                                  .idle = cli::seconds(row, "idle_s"),
                                  .packets = number(row, "packets")});
  return frame;
}

}  // namespace fw::top
