// SPDX-License-Identifier: MIT
// What a check found: how bad, what was seen, what it means, and the command that mends it.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fw::doctor {

enum class Severity { ok, note, warning, problem };

[[nodiscard]] constexpr std::string_view word(Severity severity) {
  constexpr std::string_view kWords[] = {"ok", "note", "warning", "problem"};
  return kWords[static_cast<unsigned>(severity)];
}

struct Finding {
  std::string_view check{};  // its name in the table
  Severity severity = Severity::ok;
  std::string subject{};  // the interface, setting or folder; empty: the host
  std::string saw{};
  std::string meaning{};  // one sentence; empty for what is ok
  std::string command{};  // to copy; empty: nothing to type
};

using Findings = std::vector<Finding>;

[[nodiscard]] inline Severity worst(const Findings& findings) {
  Severity out = Severity::ok;
  for (const Finding& one : findings) out = std::max(out, one.severity);
  return out;
}

}  // namespace fw::doctor
