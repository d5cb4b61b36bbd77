// SPDX-License-Identifier: MIT
// The reply to `baseline`.
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "engine/measured.hpp"
#include "engine/report.hpp"

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

Json class_of(const Engine& engine, fw_class klass) {
  const Settings& settings = engine.settings();
  const Baseline& baseline = engine.baseline();
  Json ports = Json::array();
  for (const auto& [port, usual] : baseline.usual_by_port(klass))
    ports.push_back({{"port", port}, {"usual_pps", whole(usual)}});
  return {{"class", class_word(klass)},
          {"configured_pps", rate_of(settings.config.budgets[klass])},
          {"usual_pps", whole(baseline.usual(klass))},
          {"learned_pps", rate_of(baseline.raised(klass, settings.config.budgets[klass]))},
          {"in_force_pps", rate_of(settings.budgets[klass])},
          {"ports", std::move(ports)}};
}

}  // namespace

Json baseline_report(const Engine& engine) {
  Json classes = Json::array();
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++)
    if (engine.settings().config.budgets[i].limit)
      classes.push_back(class_of(engine, static_cast<fw_class>(i)));
  return {{"learning", engine.settings().config.detect.learn},
          {"frozen", engine.detector().attack().has_value()},
          {"seconds", engine.baseline().seconds()},
          {"enough_s", Baseline::kEnoughSeconds},
          {"left_out_s", engine.baseline().left_out_seconds()},
          {"classes", std::move(classes)}};
}

}  // namespace fw::engine
