// SPDX-License-Identifier: MIT
// Walks a file by the tables of keys.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

#include "config/unresolved.hpp"

namespace fw::config {

namespace {

// One key over what is in `record`. True if the file has it and its value is good.
template <typename Record>
bool read_key(Section& section, const Key<Record>& key, Record& record, bool bytes,
              std::vector<PlacedText>* ports) {
  if (!key.needed.empty() && !section.has(key.name)) section.problem(key.name, key.needed);
  return std::visit(
      [&](const auto& field) {
        auto& value = record.*field.member;
        using Type = std::decay_t<decltype(field.type)>;
        if constexpr (std::is_same_v<Type, Rate>)
          return section.read(key.name, field.type, bytes, value);
        else if constexpr (std::is_same_v<Type, Ports>)
          return ports != nullptr && section.read(key.name, field.type, value, *ports);
        else
          return section.read(key.name, field.type, value);
      },
      key.field);
}

template <typename Record>
void read_group(Section& section, const KeyGroup<Record>& group, Record& record,
                std::vector<PlacedText>* ports = nullptr) {
  for (const Key<Record>& key : group.keys) read_key(section, key, record, false, ports);
}

// The metrics of a section that has limits. True if any is mentioned.
bool read_limits(Section& section, LimitOverrides& out) {
  bool any = false;
  for (std::size_t i = 0; i < FW_METRIC_COUNT; i++) {
    auto metric = section.section(kMetrics[i].word);
    if (!metric) continue;
    any = true;
    LimitOverride& limit = out[i];
    for (std::size_t k = 0; k < kLimitKeys.size(); k++)
      if (read_key(*metric, kLimitKeys[k], limit.value, i == FW_METRIC_BYTES, nullptr))
        limit.is_set[k] = true;
    limit.where = section.where(kMetrics[i].word);
    metric->done();
  }
  return any;
}

void read_prefix_limit(Section section, UnresolvedConfig& out) {
  read_group(section, kLimitPrefix, out.config.limit_prefix);
  if (out.where_prefix.empty() || section.has("prefix_v6"))
    out.where_prefix = section.where("prefix_v6");
  read_limits(section, out.prefix_limits);
  section.done();
}

void read_budgets(Section section, Budgets& out) {
  for (std::size_t i = 0; i < FW_CLASS_COUNT; i++) {
    if (!has_budget(i)) continue;
    auto budget = section.section(kClasses[i].word);
    if (!budget) continue;
    read_group(*budget, kBudget, out[i]);
    budget->done();
  }
  section.done();
}

void read_service(Section section, UnresolvedConfig& out) {
  UnresolvedService service;
  read_group(section, kService, service.service, &service.ports);
  service.where = section.where("name");
  service.has_limits = read_limits(section, service.limits);
  if (service.service.action != Action::limit && service.has_limits)
    section.problem("action", "such a service has no limits: leave them out");
  section.done();
  out.services.push_back(std::move(service));
}

void read_alert(Section section, UnresolvedConfig& out) {
  Alert alert;
  read_group(section, kAlert, alert);
  const auto ways = section.has("command") + section.has("url") + section.has("mail");
  if (ways != 1)
    section.problem("name", ways == 0
                                ? "this alert goes nowhere: it needs one of command, url, mail"
                                : "an alert has one of command, url and mail: write another");
  section.done();
  out.where_alerts.push_back(section.where("name"));
  out.config.alerts.push_back(std::move(alert));
}

}  // namespace

bool LimitOverride::sets(std::string_view key) const {
  const auto found = std::ranges::find(kLimitKeys, key, &Key<Limit>::name);
  return is_set[static_cast<std::size_t>(found - kLimitKeys.begin())];
}

void read_document(Section file, UnresolvedConfig& out) {
  read_group(file, kTop, out.config);
  for_each_plain_group([&](const auto& group, auto member) {
    auto section = file.section(group.path);
    if (!section) return;
    read_group(*section, group, out.config.*member);
    if (group.path == kWeb.path && (out.where_web.empty() || section->has("listen")))
      out.where_web = section->where("listen");
    section->done();
  });
  if (auto limit = file.section("limit")) {
    if (auto section = limit->section("default")) {
      read_limits(*section, out.limits);
      section->done();
    }
    if (auto section = limit->section("prefix")) read_prefix_limit(std::move(*section), out);
    limit->done();
  }
  if (auto section = file.section(kBudget.path))
    read_budgets(std::move(*section), out.config.budgets);
  for (Section& section : file.sections(kService.path)) read_service(std::move(section), out);
  for (Section& section : file.sections(kAlert.path)) read_alert(std::move(section), out);
  file.done();
}

}  // namespace fw::config
