// SPDX-License-Identifier: MIT
#include "config/changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "config/keys.hpp"

namespace fw::config {

namespace {

// A value for a sentence: as in TOML, without the quotes; for none the key that holds instead.
template <typename Record>
std::string plain_text(const Key<Record>& key, const Record& record, bool bytes) {
  std::string text = toml_text(key, record, bytes);
  std::erase(text, '"');
  return text.empty() ? std::string(key.fallback) : text;
}

// `prefix` is the path of the record with what separates it from a key.
template <typename Record>
void compare_record(const std::string& prefix, std::span<const Key<Record>> keys,
                    const Record& current, const Record& next, bool bytes,
                    std::vector<Change>& out) {
  for (const Key<Record>& key : keys) {
    const std::string from = plain_text(key, current, bytes), to = plain_text(key, next, bytes);
    if (from != to)
      out.push_back({.what = prefix + std::string(key.name),
                     .how = fmt::format("{} -> {}", from, to),
                     .effect = key.effect});
  }
}

void compare_service(const Service& current, const Service& next, std::vector<Change>& out) {
  const std::string name = fmt::format("service \"{}\"", next.name);
  compare_record(name + " ", kService.keys, current, next, false, out);
  if (current.limits.has_value() != next.limits.has_value())
    out.push_back({.what = name,
                   .how = next.limits ? "has limits of its own" : "has the default's limits",
                   .effect = Effect::at_apply});
  if (!current.limits || !next.limits) return;
  for (std::size_t i = 0; i < FW_METRIC_COUNT; i++)
    compare_record(fmt::format("{} {}.", name, kMetrics[i].word), kLimitDefault.keys,
                   (*current.limits)[i], (*next.limits)[i], i == FW_METRIC_BYTES, out);
}

// A service is the same one if its name is.
void compare_services(const std::vector<Service>& current, const std::vector<Service>& next,
                      std::vector<Change>& out) {
  const auto appears = [&](const Service& service, std::string_view how) {
    out.push_back({.what = fmt::format("service \"{}\"", service.name),
                   .how = std::string(how),
                   .effect = Effect::at_apply});
  };
  for (const Service& service : next) {
    const auto before = std::ranges::find(current, service.name, &Service::name);
    if (before == current.end())
      appears(service, "is new");
    else
      compare_service(*before, service, out);
  }
  for (const Service& service : current)
    if (std::ranges::find(next, service.name, &Service::name) == next.end())
      appears(service, "is gone");
}

}  // namespace

std::vector<Change> compare(const Config& current, const Config& next) {
  std::vector<Change> out;
  for_each_record([&](const std::string& path, auto keys, auto record_of, bool bytes) {
    compare_record(path.empty() ? path : path + ".", keys, record_of(current), record_of(next),
                   bytes, out);
  });
  compare_services(current.services, next.services, out);
  return out;
}

}  // namespace fw::config
