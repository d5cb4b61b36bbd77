// SPDX-License-Identifier: MIT
// What a replay found, for people and as JSON. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/style.hpp"
#include "replay/capture_clock.hpp"
#include "replay/tally.hpp"

namespace fw::replay {

struct Report {
  std::string file, profile, config;  // as they are called in the text
  std::vector<Address> protect;
  CaptureClock clock{0};  // as it was after the last packet
  Tally tally;
  Timeline timeline;
  std::vector<std::string> problems;  // of the lists
  bool cut = false;                   // the file ends within a record
  std::string damage;                 // empty, or why reading ended before the file did
};

// The form is in docs/replay.md.
[[nodiscard]] nlohmann::json to_json(const Report& report);

// Ends with a newline.
[[nodiscard]] std::string to_text(const Report& report, const cli::Style& style);

}  // namespace fw::replay
