// SPDX-License-Identifier: MIT
// The result of a replay, as text and as JSON.
//
// Thread rule: free functions without state.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/style.hpp"
#include "replay/capture_clock.hpp"
#include "replay/tally.hpp"

namespace fw::replay {

struct Report {
  std::string file, profile, config;  // as the text names them
  std::optional<double> capacity;     // as replay::Job
  std::vector<Address> protect;
  CaptureClock clock{0};  // after the last packet
  Tally tally;
  Timeline timeline;
  std::vector<std::string> problems;  // of the lists
  bool cut = false;                   // the file ends within a record
  std::string damage;                 // why reading stopped before the end of the file, or empty
};

// docs/replay.md describes the members.
[[nodiscard]] nlohmann::json to_json(const Report& report);

// Ends with a newline.
[[nodiscard]] std::string to_text(const Report& report, const cli::Style& style);

}  // namespace fw::replay
