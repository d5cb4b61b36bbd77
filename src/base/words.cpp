// SPDX-License-Identifier: MIT
#include "base/words.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace fw {

std::string percent(double share) {
  return fmt::format("{:.1f}%", 100 * share);
}

std::string duration_field(std::uint64_t duration_ns) {
  const std::uint64_t ms = (duration_ns + kMillisecond / 2) / kMillisecond;
  return ms % 1000 == 0 ? fmt::format("{}s", ms / 1000) : fmt::format("{}ms", ms);
}

std::string duration_in_words(std::uint64_t duration_ns) {
  const std::uint64_t seconds = (duration_ns + kSecond - 1) / kSecond;
  if (seconds < 120) return fmt::format("{} s", seconds);
  const std::uint64_t minutes = seconds / 60;
  if (minutes < 120) return fmt::format("{} min", minutes);
  const std::uint64_t hours = minutes / 60;
  if (hours < 48) return fmt::format("{} h {} min", hours, minutes % 60);
  return fmt::format("{} days", hours / 24);
}

std::string time_in_words(std::chrono::system_clock::time_point time, const Now& now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto away = std::chrono::abs(time - now.wall);
  const auto utc = fmt::gmtime(std::chrono::system_clock::to_time_t(seconds));
  return away < std::chrono::hours(24) ? fmt::format("{:%H:%M:%S} UTC", utc)
                                       : fmt::format("{:%Y-%m-%d %H:%M} UTC", utc);
}

}  // namespace fw
