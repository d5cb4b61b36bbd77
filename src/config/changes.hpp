// SPDX-License-Identifier: MIT
// Two configurations compared, key by key (keys.hpp).
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/key.hpp"

namespace fw::config {

struct Change {
  std::string what;  // "ban.time", "service \"game\" action"
  std::string how;   // "1m -> 5m", "is new"
  Effect effect;

  [[nodiscard]] std::string text() const { return what + " " + how; }
};

// Empty exactly if the two are equal but for the order of the services.
[[nodiscard]] std::vector<Change> compare(const Config& current, const Config& next);

}  // namespace fw::config
