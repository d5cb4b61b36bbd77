// SPDX-License-Identifier: MIT
// Measures cases in turns: in each round every case runs each of the programs, so that a
// disturbance of the machine affects all of them alike. Results are lines of JSON.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "references.hpp"
#include "subject.hpp"

namespace fw::bench {

// One row of a table.
struct Case {
  std::string name;
  int family = 4;
  Kind kind = Kind::udp;
  Sources sources;
  fw_reason expected = FW_REASON_PASS;  // of most packets; else the case fails
  std::function<Result<void>()> prepare;
  bool against_textbook = true, against_filter = false;
};

struct Plan {
  unsigned rounds = 5;
  unsigned packets = 200'000;  // per round and program
  std::string only;            // what "TABLE: ROW" must contain
};

struct Stage {
  Harness harness;
  Subject subject;
  References references;
  Plan plan;

  [[nodiscard]] static Result<Stage> open(const Plan& plan);
};

// Prints {"table", "row", "share", "ns": {"bare": [...], "floodwall": [...], ...}} for each case;
// `share` is the share of Floodwall's packets that had the expected reason.
[[nodiscard]] Result<void> measure(Stage& stage, const std::string& table,
                                   const std::vector<Case>& cases);

// The share of the packets between two readings of the counters that had `reason`.
[[nodiscard]] double share_of(const fw_counters& before, const fw_counters& after,
                              fw_reason reason);

// Part 1: each verdict path. Part 4: what grows. Part 4: CPUs.
[[nodiscard]] Result<void> measure_paths(Stage& stage);
[[nodiscard]] Result<void> measure_scaling(Stage& stage);
[[nodiscard]] Result<void> measure_cpus(Stage& stage);

}  // namespace fw::bench
