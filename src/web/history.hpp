// SPDX-License-Identifier: MIT
// The last ten minutes, a point a second, for the charts of whoever opens the page. No threads.
#pragma once

#include <deque>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/now.hpp"

namespace fw::web {

inline constexpr std::size_t kPoints = 600;

class History {
 public:
  // Takes a reply to `status`; the new point is what came since the one before: {"t": ms since
  // 1970, "in", "passed", "dropped", "would_drop", "challenged": packets per second, "classes":
  // {"tcp_syn": ...}}. Null after the first, and after counters that began anew.
  nlohmann::json add(const nlohmann::json& status, const Now& now);
  [[nodiscard]] nlohmann::json points() const;

 private:
  nlohmann::json traffic_;  // of the last status
  std::uint64_t at_ns_ = 0;
  std::deque<nlohmann::json> points_;
};

}  // namespace fw::web
