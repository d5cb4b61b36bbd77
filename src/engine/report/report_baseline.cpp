// SPDX-License-Identifier: MIT
// The reply to `baseline`.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/journal/words.hpp"
#include "engine/report/report.hpp"

namespace fw::engine {
namespace {

using Json = nlohmann::json;

Json whole(double rate) {
  return static_cast<std::uint64_t>(std::ceil(rate));
}

// Packets a second; null: no budget.
Json rate_of(const config::Budget& budget) {
  return budget.limit ? whole(*budget.limit) : Json(nullptr);
}

bool is_attacked(const View& view, fw_class traffic_class) {
  const std::optional<Attack>& attack = view.detector.attack();
  return attack && std::ranges::any_of(attack->vectors, [&](const auto& vector) {
           return vector.first.traffic_class == traffic_class;
         });
}

Json class_of(const View& view, fw_class traffic_class) {
  const Settings& settings = view.settings;
  const Baseline& baseline = view.baseline;
  Json ports = Json::array();
  for (const auto& [port, usual] : baseline.usual_by_port(traffic_class))
    ports.push_back({{"port", port}, {"usual_pps", whole(usual)}});
  return {{"class", class_word(traffic_class)},
          {"configured_pps", rate_of(settings.config.budgets[traffic_class])},
          {"usual_pps", whole(baseline.usual(traffic_class))},
          {"learned_pps",
           rate_of(baseline.raised(traffic_class, settings.config.budgets[traffic_class]))},
          {"in_force_pps", rate_of(settings.budgets[traffic_class])},
          {"frozen", is_attacked(view, traffic_class)},
          {"ports", std::move(ports)}};
}

}  // namespace

Json baseline_report(const View& view) {
  Json classes = Json::array();
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++)
    if (view.settings.config.budgets[i].limit)
      classes.push_back(class_of(view, static_cast<fw_class>(i)));
  return {{"learning", view.settings.config.detect.learn},
          {"seconds", view.baseline.seconds()},
          {"enough_s", Baseline::kEnoughSeconds},
          {"left_out_s", view.baseline.left_out_seconds()},
          {"classes", std::move(classes)}};
}

}  // namespace fw::engine
