// SPDX-License-Identifier: MIT
// Attacks and signatures, for the replies to `status` and `list`.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "base/units.hpp"
#include "engine/journal/words.hpp"
#include "engine/report/report.hpp"

namespace fw::engine {
namespace {

using Json = nlohmann::json;

Json vectors_of(const Attack& attack) {
  Json rows = Json::array();
  for (const auto& [key, vector] : attack.vectors)
    rows.push_back({{"class", class_word(key.traffic_class)},
                    {"dest_ip", key.dst == Address{} ? "" : key.dst.text()},
                    {"dest_port", key.dst == Address{} ? 0 : key.port},
                    {"refused", vector.refused},
                    {"borne", vector.borne},
                    {"pps", static_cast<std::uint64_t>(vector.pps)},
                    {"peak_pps", vector.peak_pps}});
  return rows;
}

Json json_of(const Attack& attack, const Now& now) {
  const std::uint64_t end_ns = attack.end_ns != 0 ? attack.end_ns : now.mono_ns;
  Json row = {{"id", attack.id},
              {"since", format_time(wall_at(now, attack.since_ns))},
              {"duration_s", (end_ns - attack.since_ns) / kSecond},
              {"ended", attack.end_ns != 0},
              {"peak_pps", attack.peak_pps},
              {"dropped", attack.dropped - std::min(attack.dropped, attack.observed)},
              {"would_drop", attack.observed},
              {"borne", attack.borne},
              {"suffering", attack.suffering},
              {"passed", attack.passed},
              {"sources", attack.sources},
              {"capture", attack.capture},
              {"vectors", vectors_of(attack)}};
  return row;
}

}  // namespace

Json attack_report(const Detector& detector, const Now& now) {
  const std::optional<Attack>& attack = detector.attack();
  return attack ? json_of(*attack, now) : Json(nullptr);
}

Json attacks_report(const Detector& detector, const Now& now) {
  Json rows = Json::array();
  for (const Attack& attack : detector.past()) rows.push_back(json_of(attack, now));
  if (const std::optional<Attack>& attack = detector.attack())
    rows.push_back(json_of(*attack, now));
  return rows;
}

Json services_report(const Detector& detector, const Now& now) {
  Json rows = Json::array();
  for (const auto& [key, service] : detector.capacities().services()) {
    const bool restricted = service.loop.restricted();
    rows.push_back({{"class", class_word(key.traffic_class)},
                    {"dest_ip", key.dst == Address{} ? "" : key.dst.text()},
                    {"dest_port", key.dst == Address{} ? 0 : key.port},
                    {"passed_pps", static_cast<std::uint64_t>(service.passed_pps)},
                    {"refused_pps", static_cast<std::uint64_t>(service.refused_pps)},
                    {"restricted", restricted},
                    {"bears_pps", static_cast<std::uint64_t>(restricted ? service.loop.pps() : 0)},
                    {"restricted_s", restricted ? (now.mono_ns - service.since_ns) / kSecond : 0},
                    {"suffering", restricted ? service.why : ""}});
  }
  return rows;
}

Json signatures_report(const Detector& detector, const Now& now) {
  Json rows = Json::array();
  for (const auto& [slot, signature] : detector.signatures().all()) {
    Json classes = Json::array();
    for (unsigned i = 0; i < FW_CLASS_COUNT; i++)
      if ((signature.found.classes >> i & 1) != 0)
        classes.push_back(class_word(static_cast<fw_class>(i)));
    rows.push_back({{"id", signature_name(signature.id)},
                    {"match", signature.found.text},
                    {"classes", std::move(classes)},
                    {"attack", signature.attack},
                    {"explains", signature.found.excess_share},
                    {"baseline", signature.found.baseline_share},
                    {"packets", signature.packets},
                    {"since", format_time(wall_at(now, signature.since_ns))},
                    {"idle_s", (now.mono_ns - signature.last_match_ns) / kSecond},
                    {"pinned", signature.pinned}});
  }
  return rows;
}

}  // namespace fw::engine
