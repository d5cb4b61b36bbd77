// SPDX-License-Identifier: MIT
// The one table of checks: `floodwall doctor` runs it, docs/doctor.md is made from it. A check is a
// pure function from the facts to its findings. It says nothing about what was not seen, or is not
// there.
#pragma once

#include <span>
#include <string_view>

#include "doctor/facts.hpp"
#include "doctor/finding.hpp"
#include "doctor/report.hpp"

namespace fw::doctor {

struct Check {
  std::string_view name;
  std::string_view looks_at;
  std::string_view finds;  // which severity when, for the documents
  void (*judge)(const Facts& facts, Report& report);
};

[[nodiscard]] std::span<const Check> checks();

[[nodiscard]] Findings examine(const Facts& facts);

}  // namespace fw::doctor
