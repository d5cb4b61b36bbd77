// SPDX-License-Identifier: MIT
// The experiment, in both address families: a client that greets a server is denied and let back
// in, then floods, is blocked, and is let back in by itself. At the end the log is checked. Every
// step reports what was expected and what was seen.
//
// Thread rule: one thread at a time.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "selftest/host_under_test.hpp"
#include "selftest/test_network.hpp"

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
void run_experiment(const TestNetwork& network, HostUnderTest& host, Milliseconds ban_time,
                    const std::function<void(const Step&)>& told);

}  // namespace fw::selftest
