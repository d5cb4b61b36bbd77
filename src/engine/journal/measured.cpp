// SPDX-License-Identifier: MIT
#include "engine/journal/measured.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/units.hpp"
#include "engine/journal/words.hpp"

namespace fw::engine {
namespace {

constexpr double kWindowSeconds = static_cast<double>(1ULL << FW_WINDOW_SHIFT) / 1e9;

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

namespace {

// What it is about, before the numbers.
std::vector<Field> subject_of(const Measured& measured) {
  std::vector<Field> fields{Field::text("proto", protocol_name(measured.proto))};
  if (measured.proto == FW_IPPROTO_TCP || measured.proto == FW_IPPROTO_UDP)
    fields.push_back(Field::count("dport", measured.dport));
  if (measured.metric != FW_METRIC_PACKETS)
    fields.push_back(Field::text("measure", metric_word(measured.metric)));
  return fields;
}

}  // namespace

std::vector<Field> fields_of(const Measured& measured) {
  std::vector<Field> fields = subject_of(measured);
  const bool bytes = measured.metric == FW_METRIC_BYTES;
  fields.push_back(Field::count(bytes ? "bytes_per_s" : "pps", measured.value));
  fields.push_back(Field::count("limit", measured.limit));
  fields.push_back(Field::text("window", "1s"));
  return fields;
}

std::vector<Field> fields_of_limit(const Measured& measured, std::uint64_t burst) {
  if (measured.value > measured.limit) return fields_of(measured);
  std::vector<Field> fields = subject_of(measured);
  // The bucket refused the packet, so more than a burst came since it was full.
  fields.push_back(Field::count("at_once", std::max(measured.value, burst + 1)));
  fields.push_back(Field::count("burst", burst));
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

}  // namespace fw::engine
