// SPDX-License-Identifier: MIT
#include "engine/measured.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/units.hpp"

namespace fw::engine {
namespace {

constexpr double kWindowSeconds = static_cast<double>(1ULL << FW_WINDOW_SHIFT) / 1e9;

constexpr std::array<std::string_view, FW_METRIC_COUNT> kMetricWords{{
#define FW_METRIC_WORD(name, word, meaning) word,
    FW_METRICS(FW_METRIC_WORD)
#undef FW_METRIC_WORD
}};
constexpr std::array<std::string_view, FW_REASON_COUNT> kReasonWords{{
#define FW_REASON_WORD(name, word, meaning) word,
    FW_REASONS(FW_REASON_WORD)
#undef FW_REASON_WORD
}};
constexpr std::array<std::string_view, FW_CLASS_COUNT> kClassWords{{
#define FW_CLASS_WORD(name, word, meaning) word,
    FW_CLASSES(FW_CLASS_WORD)
#undef FW_CLASS_WORD
}};

}  // namespace

std::uint64_t per_second(std::uint32_t per_window, fw_metric metric) {
  const double unit = metric == FW_METRIC_BYTES ? FW_BYTES_UNIT : 1;
  return static_cast<std::uint64_t>(std::llround(per_window * unit / kWindowSeconds));
}

Measured measured(const fw_event& event, const Now& now) {
  const auto metric =
      event.metric < FW_METRIC_COUNT ? static_cast<fw_metric>(event.metric) : FW_METRIC_PACKETS;
  return {.time = wall_at(now, event.time_ns),
          .value = per_second(event.value, metric),
          .limit = per_second(event.limit, metric),
          .dport = event.dport,
          .proto = event.proto,
          .metric = metric};
}

std::vector<Field> fields_of(const Measured& measured) {
  std::vector<Field> fields{Field::text("proto", protocol_name(measured.proto))};
  if (measured.proto == 6 || measured.proto == 17)
    fields.push_back(Field::count("dport", measured.dport));
  if (measured.metric != FW_METRIC_PACKETS)
    fields.push_back(Field::text("measure", metric_word(measured.metric)));
  const bool bytes = measured.metric == FW_METRIC_BYTES;
  fields.push_back(Field::count(bytes ? "bytes_per_s" : "pps", measured.value));
  fields.push_back(Field::count("limit", measured.limit));
  fields.push_back(Field::text("window", "1s"));
  return fields;
}

std::string rate_in_words(std::uint64_t per_second, fw_metric metric) {
  switch (metric) {
    case FW_METRIC_BYTES: {
      const auto rate = static_cast<double>(per_second);
      if (rate >= 1e9) return fmt::format("{:.1f} GB/s", rate / 1e9);
      if (rate >= 1e6) return fmt::format("{:.1f} MB/s", rate / 1e6);
      return fmt::format("{:.1f} kB/s", rate / 1e3);
    }
    case FW_METRIC_SYN:
      return grouped(per_second) + " SYN/s";
    case FW_METRIC_UDP:
      return grouped(per_second) + " unasked UDP pkt/s";
    case FW_METRIC_ICMP:
      return grouped(per_second) + " ICMP pkt/s";
    default:
      return grouped(per_second) + " pkt/s";
  }
}

std::string protocol_name(std::uint8_t proto) {
  switch (proto) {
    case 1:
      return "icmp";
    case 6:
      return "tcp";
    case 17:
      return "udp";
    case 47:
      return "gre";
    case 50:
      return "esp";
    case 58:
      return "icmpv6";
    case 132:
      return "sctp";
    default:
      return fmt::format("proto-{}", proto);
  }
}

std::string_view metric_word(fw_metric metric) {
  return kMetricWords.at(static_cast<std::size_t>(metric));
}
std::string_view reason_word(fw_reason reason) {
  return kReasonWords.at(static_cast<std::size_t>(reason));
}
std::string_view class_word(fw_class traffic_class) {
  return kClassWords.at(static_cast<std::size_t>(traffic_class));
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

}  // namespace fw::engine
