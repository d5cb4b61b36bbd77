// SPDX-License-Identifier: MIT
#include "base/moment.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace fw {
namespace {

using Clock = std::chrono::system_clock;

// Takes exactly `digits` digits off the front of `text`, and `end` behind them (0: nothing).
std::optional<unsigned> take(std::string_view& text, std::size_t digits, char end) {
  unsigned value = 0;
  if (text.size() < digits) return std::nullopt;
  const char* const last = text.data() + digits;
  const auto [at, error] = std::from_chars(text.data(), last, value);
  if (error != std::errc{} || at != last) return std::nullopt;
  text.remove_prefix(digits);
  if (end == 0) return value;
  if (!text.starts_with(end)) return std::nullopt;
  text.remove_prefix(1);
  return value;
}

// "12:00", "12:00:03", "12:00:03.412", with or without Z: since midnight.
std::optional<std::chrono::milliseconds> time_of_day(std::string_view text) {
  const auto hour = take(text, 2, ':');
  const auto minute = hour ? take(text, 2, 0) : std::nullopt;
  if (!minute || *hour > 23 || *minute > 59) return std::nullopt;
  std::chrono::milliseconds time = std::chrono::hours(*hour) + std::chrono::minutes(*minute);
  if (text.starts_with(':')) {
    text.remove_prefix(1);
    const auto second = take(text, 2, 0);
    if (!second || *second > 60) return std::nullopt;
    time += std::chrono::seconds(*second);
    if (text.starts_with('.')) {
      text.remove_prefix(1);
      const auto ms = take(text, 3, 0);
      if (!ms) return std::nullopt;
      time += std::chrono::milliseconds(*ms);
    }
  }
  if (text.starts_with('Z')) text.remove_prefix(1);
  return text.empty() ? std::optional(time) : std::nullopt;
}

std::optional<Clock::time_point> day_of(std::string_view& text) {
  const auto year = take(text, 4, '-');
  const auto month = year ? take(text, 2, '-') : std::nullopt;
  const auto day = month ? take(text, 2, 0) : std::nullopt;
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::optional<Clock::time_point> moment_of(std::string_view text, Clock::time_point now) {
  if (const auto time = time_of_day(text)) {
    const Clock::time_point today = std::chrono::floor<std::chrono::days>(now) + *time;
    return today <= now ? today : today - std::chrono::days(1);
  }
  const auto day = day_of(text);
  if (!day || text.empty()) return day;
  if (text.front() != 'T' && text.front() != ' ') return std::nullopt;
  text.remove_prefix(1);
  const auto time = time_of_day(text);
  return time ? std::optional(*day + *time) : std::nullopt;
}

}  // namespace

Result<Clock::time_point> parse_moment(std::string_view text, Clock::time_point now) {
  if (const auto moment = moment_of(text, now)) return *moment;
  return fail(ErrorKind::usage, fmt::format("\"{}\" is no time: write 03:15, 2026-05-01 or "
                                            "2026-05-01T03:15:00Z, in UTC",
                                            text));
}

}  // namespace fw
