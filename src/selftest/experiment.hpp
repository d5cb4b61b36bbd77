// SPDX-License-Identifier: MIT
// The experiment: a client that greets a server is denied, let back in, floods, is blocked and is
// let back in by itself, on both address families; the log is read back. Every step says what was
// expected and what was seen.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "selftest/stage.hpp"
#include "selftest/wall.hpp"

namespace fw::selftest {

struct Finding {
  std::string family;  // empty: of both
  bool ok = false;
  std::string saw;
};

struct Step {
  std::string title, expected;
  std::vector<Finding> findings;
  [[nodiscard]] bool ok() const;
};

// Calls `told` after each step; ends with the first that failed.
void run_experiment(const Stage& stage, Wall& wall, Milliseconds ban_time,
                    const std::function<void(const Step&)>& told);

}  // namespace fw::selftest
