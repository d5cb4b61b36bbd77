// SPDX-License-Identifier: MIT
// Durations, rates, sizes and times as text.
#include "base/units.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace fw {

namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array<Unit, 5> kDurationUnits{{
    {"ms", 1},
    {"s", 1e3},
    {"m", 60e3},
    {"h", 3600e3},
    {"d", 86'400e3},
}};
constexpr std::array<Unit, 5> kDecimalUnits{
    {{"", 1}, {"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}}};
constexpr std::array<Unit, 8> kSizeUnits{{
    {"", 1},
    {"k", 1e3},
    {"K", 1e3},
    {"M", 1e6},
    {"G", 1e9},
    {"Ki", 1024},
    {"Mi", 1 << 20},
    {"Gi", 1 << 30},
}};
constexpr double kLongestMs = 10 * 365 * 86'400e3;

template <std::size_t N>
std::optional<double> factor_of(const std::array<Unit, N>& units, std::string_view name) {
  for (const Unit& unit : units)
    if (unit.name == name) return unit.factor;
  return std::nullopt;
}

// Removes an unsigned decimal number ("12", "1.5") from the front of `text` and returns it.
std::optional<double> take_number(std::string_view& text) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

// Removes the letters at the front of `text` and returns them.
std::string_view take_word(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && ((text[length] >= 'a' && text[length] <= 'z') ||
                                  (text[length] >= 'A' && text[length] <= 'Z')))
    length++;
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

// Milliseconds, or nothing. A number without a unit is no duration.
std::optional<double> duration_ms(std::string_view text) {
  double total = 0;
  do {
    const auto number = take_number(text);
    const auto factor = factor_of(kDurationUnits, take_word(text));
    if (!number || !factor) return std::nullopt;
    total += *number * *factor;
  } while (!text.empty());
  return total;
}

// "M" or "MB" to 1e6.
template <std::size_t N>
std::optional<double> multiple(const std::array<Unit, N>& units, std::string_view word,
                               bool& has_byte_mark) {
  has_byte_mark = word.ends_with('B');
  if (has_byte_mark) word.remove_suffix(1);
  return factor_of(units, word);
}

}  // namespace

Result<Milliseconds> parse_duration(std::string_view text) {
  const auto ms = duration_ms(text);
  if (!ms)
    return fail(ErrorKind::usage,
                fmt::format("\"{}\" is not a duration: write it like 30s, 10m, 1h30m or 7d", text));
  if (!(*ms >= 1) || *ms > kLongestMs)
    return fail(ErrorKind::usage,
                fmt::format("\"{}\": a duration must be 1ms to 3650d (10 years)", text));
  return Milliseconds{std::llround(*ms)};
}

std::string format_duration(Milliseconds duration) {
  std::int64_t rest = duration.count();
  if (rest == 0) return "0s";
  std::string text;
  if (rest < 0) text = "-";
  for (const auto& [name, ms] :
       {std::pair{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}) {
    const std::int64_t count = std::abs(rest / ms);
    if (count != 0) text += fmt::format("{}{}", count, name);
    rest %= ms;
  }
  return text;
}

Result<double> parse_rate(std::string_view text, bool bytes) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  bool marked = false;
  const auto factor = multiple(kDecimalUnits, take_word(rest), marked);
  const bool slash = rest.starts_with('/');
  if (slash) rest.remove_prefix(1);
  // "/s" stands for "/1s".
  std::optional<double> per_ms;
  if (rest == "ms" || rest == "s" || rest == "m" || rest == "h" || rest == "d")
    per_ms = factor_of(kDurationUnits, rest);
  else
    per_ms = duration_ms(rest);
  if (!number || !factor || !slash || !per_ms || !(*per_ms > 0) || marked != bytes)
    return fail(ErrorKind::usage,
                fmt::format("\"{}\" is not a rate in {} per time: write it like {}", text,
                            bytes ? "bytes" : "packets",
                            bytes ? "500kB/s or 25MB/s" : "400/s, 20k/s or 6/30s"));
  return *number * *factor * 1000 / *per_ms;
}

std::string format_rate(double per_second, bool bytes) {
  const std::string_view mark = bytes ? "B" : "";
  for (const auto& [name, factor] : {std::pair{"G", 1e9}, {"M", 1e6}, {"k", 1e3}})
    if (per_second >= factor && std::fmod(per_second, factor / 1000) == 0 &&
        (bytes || std::fmod(per_second, factor) == 0))
      return fmt::format("{}{}{}/s", per_second / factor, name, mark);
  if (per_second == std::floor(per_second) && per_second < 1e15)
    return fmt::format("{}{}/s", static_cast<std::uint64_t>(per_second), mark);
  return fmt::format("{:.6g}{}/s", per_second, mark);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  bool marked = false;
  const auto factor = multiple(kSizeUnits, take_word(rest), marked);
  const double value = number && factor ? *number * *factor : -1;
  if (value < 0 || value >= 0x1p63 || !rest.empty())
    return fail(ErrorKind::usage,
                fmt::format("\"{}\" is not a size: write it like 512k, 25MB or 64MiB", text));
  return static_cast<std::uint64_t>(value);
}

std::string format_size(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  std::string_view name;
  for (const std::string_view next : {"KiB", "MiB", "GiB", "TiB", "PiB"}) {
    if (value < 1023.95) break;
    value /= 1024;
    name = next;
  }
  return fmt::format("{:.1f} {}", value, name);
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string format_time(std::chrono::system_clock::time_point time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto ms = std::chrono::duration_cast<Milliseconds>(time - whole).count();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
  std::tm utc{};
  if (::gmtime_r(&seconds, &utc) == nullptr) return {};
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", utc, ms);
}

}  // namespace fw
