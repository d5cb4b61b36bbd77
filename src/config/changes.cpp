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

void compare_alert(const Alert& current, const Alert& next, std::vector<Change>& out) {
  const std::size_t before = out.size();
  compare_record(fmt::format("alert \"{}\" ", next.name), kAlert.keys, current, next, false, out);
  // What is secret of a URL is not in its text.
  if (out.size() == before && current.url != next.url)
    out.push_back({.what = fmt::format("alert \"{}\" url", next.name),
                   .how = "is another",
                   .effect = Effect::at_apply});
}

// A service or alert is the same one if its name is.
template <typename Record, typename Compare>
void compare_named(std::string_view kind, const std::vector<Record>& current,
                   const std::vector<Record>& next, Compare compare_one, std::vector<Change>& out) {
  const auto appears = [&](const Record& record, std::string_view how) {
    out.push_back({.what = fmt::format("{} \"{}\"", kind, record.name),
                   .how = std::string(how),
                   .effect = Effect::at_apply});
  };
  for (const Record& record : next) {
    const auto before = std::ranges::find(current, record.name, &Record::name);
    if (before == current.end())
      appears(record, "is new");
    else
      compare_one(*before, record, out);
  }
  for (const Record& record : current)
    if (std::ranges::find(next, record.name, &Record::name) == next.end())
      appears(record, "is gone");
}

}  // namespace

std::vector<Change> compare(const Config& current, const Config& next) {
  std::vector<Change> out;
  for_each_record([&](const std::string& path, auto keys, auto record_of, bool bytes) {
    compare_record(path.empty() ? path : path + ".", keys, record_of(current), record_of(next),
                   bytes, out);
  });
  compare_named("service", current.services, next.services, compare_service, out);
  compare_named("alert", current.alerts, next.alerts, compare_alert, out);
  return out;
}

}  // namespace fw::config
