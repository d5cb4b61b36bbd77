// SPDX-License-Identifier: MIT
// The settings in force, for people who look for where they come from.
#include <fmt/format.h>

#include "config/config.hpp"
#include "config/keys.hpp"

namespace fw::config {

namespace {

template <typename Record>
void add_record(const std::string& path, std::span<const Key<Record>> keys, const Record& record,
                bool bytes, std::vector<Setting>& out) {
  for (const Key<Record>& key : keys) {
    std::string value = toml_text(key, record, bytes);
    if (value.empty()) continue;
    out.push_back(
        {.key = path.empty() ? std::string(key.name) : fmt::format("{}.{}", path, key.name),
         .value = std::move(value),
         .place = {}});
  }
}

}  // namespace

std::vector<Setting> settings(const Config& config, const Source& source) {
  std::vector<Setting> out;
  for_each_record([&](const std::string& path, auto keys, auto record_of, bool bytes) {
    add_record(path, keys, record_of(config), bytes, out);
  });
  for (const Service& service : config.services) {
    const std::string path = fmt::format("service.{}", service.name);
    add_record(path, kService.keys, service, false, out);
    if (!service.limits) continue;
    for (std::size_t i = 0; i < FW_METRIC_COUNT; i++)
      add_record(fmt::format("{}.{}", path, kMetrics[i].word), kLimitDefault.keys,
                 (*service.limits)[i], i == FW_METRIC_BYTES, out);
  }
  std::vector<std::string> names;
  names.reserve(out.size());
  for (const Setting& each : out) names.push_back(each.key);
  std::vector<std::string> places = places_of(source, names);
  for (std::size_t i = 0; i < out.size(); ++i) out[i].place = std::move(places[i]);
  return out;
}

}  // namespace fw::config
