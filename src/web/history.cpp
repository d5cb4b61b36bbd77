// SPDX-License-Identifier: MIT
#include "web/history.hpp"

#include <chrono>
#include <cmath>
#include <string>

namespace fw::web {
namespace {

using Json = nlohmann::json;

double at(const Json& object, const std::string& path) {
  return object.value(Json::json_pointer(path), 0.0);
}

}  // namespace

Json History::add(const Json& status, const Now& now) {
  const Json before = std::exchange(traffic_, status.value("traffic", Json::object()));
  const double seconds =
      static_cast<double>(now.mono_ns - std::exchange(at_ns_, now.mono_ns)) / 1e9;
  if (!before.is_object() || seconds <= 0 || at(traffic_, "/packets") < at(before, "/packets"))
    return nullptr;
  const auto rate = [&](const std::string& path) {
    return std::round(std::max(0.0, at(traffic_, path) - at(before, path)) / seconds);
  };
  const double in = rate("/packets"), would_drop = rate("/observed_drops");
  // Challenged packets are counted with the dropped ones; their senders are not lost.
  const double challenged = std::min(rate("/reasons/challenge/packets"), rate("/dropped_packets"));
  const double dropped = rate("/dropped_packets") - challenged;
  Json classes = Json::object();
  const Json counted = traffic_.value("classes", Json::object());
  for (const auto& [name, count] : counted.items())
    if (const double each = rate("/classes/" + name + "/packets"); each > 0) classes[name] = each;
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.wall.time_since_epoch());
  Json point = {{"t", ms.count()},
                {"in", in},
                {"passed", std::max(0.0, in - dropped - challenged)},
                {"dropped", dropped},
                {"would_drop", would_drop},
                {"challenged", challenged},
                {"classes", std::move(classes)}};
  points_.push_back(point);
  if (points_.size() > kPoints) points_.pop_front();
  return point;
}

Json History::points() const {
  return Json(points_);
}

}  // namespace fw::web
