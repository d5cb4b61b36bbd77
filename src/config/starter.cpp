// SPDX-License-Identifier: MIT
// The configuration file that `floodwall setup` writes, from the tables of keys.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "config/keys.hpp"

namespace fw::config {

namespace {

constexpr std::size_t kWidth = 100;         // columns of a line
constexpr std::size_t kCommentColumn = 31;  // at least

// Two kinds of sections: what holds anyway, as lines of the file, and what may be added, as
// comments that become lines without their "# ".
enum class Shown { as_lines, as_comments };

struct Line {
  std::string text, comment;
};

std::string header(std::string_view written, std::string_view about, Shown shown) {
  std::string line = fmt::format("{}{}", shown == Shown::as_comments ? "# " : "", written);
  if (!about.empty()) line = fmt::format("{:<{}}# {}", line, kCommentColumn, about);
  return line + "\n";
}

// Comments stand in a column of their own, or above their line if it would be too long.
std::string layout(const std::vector<Line>& lines, Shown shown) {
  const std::string_view mark = shown == Shown::as_comments ? "# " : "";
  std::size_t column = kCommentColumn - 1 - mark.size();
  for (const Line& line : lines) column = std::max(column, line.text.size());
  std::string out;
  for (const Line& line : lines) {
    if (line.comment.empty())
      out += fmt::format("{}{}\n", mark, line.text);
    else if (mark.size() + column + 3 + line.comment.size() <= kWidth)
      out += fmt::format("{}{:<{}} # {}\n", mark, line.text, column, line.comment);
    else
      out += fmt::format("# {}\n{}{}\n", line.comment, mark, line.text);
  }
  return out;
}

template <typename Record>
std::vector<Line> lines_of(std::span<const Key<Record>> keys, const Record& record) {
  std::size_t column = 0;
  for (const Key<Record>& key : keys) column = std::max(column, key.name.size());
  std::vector<Line> out;
  for (const Key<Record>& key : keys) {
    const std::string value =
        key.example.empty() ? toml_text(key, record) : std::string(key.example);
    out.push_back({fmt::format("{:<{}} = {}", key.name, column, value), std::string(key.about)});
  }
  return out;
}

// `syn = { limit = "200/s", ban_at = "1k/s" }`, with what differs from no limit at all.
std::vector<Line> metric_lines(const Limits& limits) {
  std::vector<Line> out;
  for (std::size_t i = 0; i < FW_METRIC_COUNT; i++) {
    std::string values;
    for (const Key<Limit>& key : kLimitKeys) {
      const bool bytes = i == FW_METRIC_BYTES;
      const std::string value = toml_text(key, limits[i], bytes);
      if (value == toml_text(key, Limit{}, bytes)) continue;
      values += fmt::format("{}{} = {}", values.empty() ? "" : ", ", key.name, value);
    }
    if (!values.empty())
      out.push_back({fmt::format("{:<7} = {{ {} }}", kMetrics[i].word, values),
                     std::string(kMetrics[i].meaning)});
  }
  return out;
}

std::vector<Line> joined(std::vector<Line> lines, std::vector<Line> more) {
  std::ranges::move(more, std::back_inserter(lines));
  return lines;
}

Limits only(fw_metric metric, Limit limit) {
  Limits limits;
  limits[metric] = limit;
  return limits;
}

template <typename Record>
std::string section(const KeyGroup<Record>& group, const Record& record, Shown shown) {
  return "\n" + header(fmt::format("[{}]", group.path), group.about, shown) +
         layout(lines_of(group.keys, record), shown);
}

// The rates of the examples are those of a small host with a busy game server.
std::string limits_text() {
  Limits examples = only(FW_METRIC_BYTES, {.limit = 25e6, .ban_at = {}});
  examples[FW_METRIC_PACKETS] = {.limit = 30e3, .ban_at = 50e3};
  return "\n" + header("[limit.default]", kLimitDefault.about, Shown::as_lines) +
         layout(metric_lines(Config::defaults()), Shown::as_lines) +
         layout(metric_lines(examples), Shown::as_comments);
}

std::string prefix_text() {
  Limits limits = only(FW_METRIC_SYN, {.limit = 2e3, .ban_at = {}});
  limits[FW_METRIC_PACKETS] = {.limit = 100e3, .ban_at = 200e3};
  return "\n" + header("[limit.prefix]", kLimitPrefix.about, Shown::as_comments) +
         layout(joined(lines_of(kLimitPrefix.keys, PrefixLimit{}), metric_lines(limits)),
                Shown::as_comments);
}

std::string service_text() {
  const Limits limits = only(FW_METRIC_PACKETS, {.limit = 1e3, .ban_at = 2e3});
  return "\n" + header("[[service]]", kService.about, Shown::as_comments) +
         layout(joined(lines_of(kService.keys, Service{}), metric_lines(limits)),
                Shown::as_comments);
}

// Of the ways to tell somebody one: an alert may have no other beside it.
std::string alert_text() {
  std::vector<Key<Alert>> keys(kAlert.keys.begin(), kAlert.keys.end());
  std::erase_if(keys, [](const Key<Alert>& key) {
    return key.name == "command" || key.name == "sendmail" || key.name.starts_with("mail");
  });
  return "\n" + header("[[alert]]", kAlert.about, Shown::as_comments) +
         layout(lines_of(std::span<const Key<Alert>>(keys), Alert{}), Shown::as_comments);
}

std::string budget_text() {
  return "\n" + header("[budget.tcp_syn]", kBudget.about, Shown::as_comments) +
         layout(lines_of(kBudget.keys, Config::default_budgets()[FW_CLASS_TCP_SYN]),
                Shown::as_comments);
}

}  // namespace

std::string starter_text(const std::vector<std::string>& interfaces, Mode mode) {
  Config config;
  config.mode = mode;
  config.interfaces = interfaces;
  std::string out =
      "# Floodwall. After a change: floodwall check, then floodwall apply.\n"
      "# What is written here but mode and interface are defaults, and may be left out.\n\n" +
      layout(lines_of(kTop.keys, config), Shown::as_lines);
  out += limits_text() + prefix_text() + service_text() + budget_text();
  for_each_plain_group([&](const auto& group, auto member) {
    out += section(group, config.*member, group.is_comment ? Shown::as_comments : Shown::as_lines);
  });
  out += alert_text();
  return out;
}

}  // namespace fw::config
