// SPDX-License-Identifier: MIT
#include "selftest/log_check.hpp"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <optional>
#include <sstream>

namespace fw::selftest {

namespace {

// The clocks that stamp the two lines are read up to a tick (0.1 s) apart.
constexpr Milliseconds kClockSlack{100};

// "2026-05-01T12:00:03.412Z NOTICE Ban 203.0.113.77 for=60s ...". None of the values that are
// checked contains a space.
struct LogLine {
  Milliseconds time{0};  // since 1970
  std::string word, address;
  std::map<std::string, std::string> fields;
};

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// RFC 3339 in UTC with milliseconds, the only form that the log has.
std::optional<Milliseconds> parse_time(std::string_view text) {
  if (text.size() != 24 || text[10] != 'T' || text[19] != '.' || text[23] != 'Z')
    return std::nullopt;
  const auto year = number(text.substr(0, 4)), month = number(text.substr(5, 2)),
             day = number(text.substr(8, 2)), hour = number(text.substr(11, 2)),
             minute = number(text.substr(14, 2)), second = number(text.substr(17, 2)),
             milli = number(text.substr(20, 3));
  if (!year || !month || !day || !hour || !minute || !second || !milli) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                         std::chrono::month{*month}, std::chrono::day{*day}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date}.time_since_epoch() + std::chrono::hours{*hour} +
         std::chrono::minutes{*minute} + std::chrono::seconds{*second} + Milliseconds{*milli};
}

std::optional<LogLine> parse_line(const std::string& text) {
  std::istringstream in(text);
  LogLine line;
  std::string time, level, field;
  if (!(in >> time >> level >> line.word >> line.address)) return std::nullopt;
  const auto parsed = parse_time(time);
  if (!parsed) return std::nullopt;
  line.time = *parsed;
  while (in >> field)
    if (const auto equals = field.find('='); equals != std::string::npos)
      line.fields.emplace(field.substr(0, equals), field.substr(equals + 1));
  return line;
}

// The first thing that is wrong with the Ban line; empty if it is right.
std::string fault_of(const LogLine& ban, const Expectation& expected) {
  const std::map<std::string, std::string> wanted{
      {"rule", expected.rule},
      {"proto", "tcp"},
      {"dport", std::to_string(expected.port)},
      {"limit", std::to_string(expected.limit_per_second)}};
  for (const auto& [key, value] : wanted) {
    const auto found = ban.fields.find(key);
    if (found == ban.fields.end()) return fmt::format("the Ban line has no {}=", key);
    if (found->second != value)
      return fmt::format("the Ban line says {}={}, not {}", key, found->second, value);
  }
  const auto held = ban.fields.find("for");
  if (held == ban.fields.end()) return "the Ban line has no for=";
  if (const auto time = parse_duration(held->second); !time || *time != expected.ban_time)
    return fmt::format("the Ban line says for={}, not {}", held->second,
                       format_duration(expected.ban_time));
  const auto pps = ban.fields.find("pps");
  if (pps == ban.fields.end()) return "the Ban line has no pps=";
  if (const auto rate = number(pps->second); !rate || *rate < expected.limit_per_second)
    return fmt::format("the Ban line says pps={}, below the limit", pps->second);
  return "";
}

}  // namespace

Result<std::string> check_log(std::string_view text, const Expectation& expected) {
  std::optional<LogLine> ban, unban;
  std::istringstream in{std::string(text)};
  for (std::string each; std::getline(in, each);) {
    auto line = parse_line(each);
    if (!line || line->address != expected.key) continue;
    // The ban that the experiment makes by hand has no rule.
    if (line->word == "Ban" && line->fields.contains("rule"))
      ban = std::move(line);
    else if (line->word == "Unban" && ban && line->fields["reason"] == "expired")
      unban = std::move(line);
  }
  if (!ban) return fail(fmt::format("no line \"Ban {} rule=...\"", expected.key));
  if (const std::string fault = fault_of(*ban, expected); !fault.empty()) return fail(fault);
  if (!unban)
    return fail(fmt::format("no line \"Unban {} reason=expired\" after its Ban", expected.key));
  const Milliseconds held = unban->time - ban->time;
  if (held + kClockSlack < expected.ban_time)
    return fail(fmt::format("the Unban line came {} ms after the Ban, too soon", held.count()));
  return fmt::format("Ban at {} packets/s, Unban {:.1f} s later", ban->fields["pps"],
                     static_cast<double>(held.count()) / 1000);
}

}  // namespace fw::selftest
