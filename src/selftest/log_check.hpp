// SPDX-License-Identifier: MIT
// Checks that a log holds the ban of a source and its end as they happened.
//
// Thread rule: a free function without state.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/units.hpp"

namespace fw::selftest {

// What the log must hold of one source: a Ban for `ban_time` by the rule `rule`, with a measured
// value above the limit, and at least `ban_time` later an Unban with the reason expired.
struct Expectation {
  std::string key;  // as the log names the source
  std::string rule;
  unsigned port = 0;
  unsigned limit_per_second = 0;
  Milliseconds ban_time{0};
};

// A sentence about the two lines, or an error that says what is missing or wrong.
[[nodiscard]] Result<std::string> check_log(std::string_view text, const Expectation& expected);

}  // namespace fw::selftest
