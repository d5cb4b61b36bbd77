// SPDX-License-Identifier: MIT
// The one table of checks: `floodwall doctor` runs it, docs/doctor.md is made from it. A check is a
// pure function from the facts to its findings. It says nothing about what was not seen, or is not
// there.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "doctor/facts.hpp"
#include "doctor/finding.hpp"

namespace fw::doctor {

// Takes the findings of one check.
class Report {
 public:
  Report(std::string_view check, Findings& findings) : check_(check), findings_(findings) {}

  void ok(std::string subject, std::string saw) {
    findings_.push_back({.check = check_, .subject = std::move(subject), .saw = std::move(saw)});
  }
  void add(Severity severity, Finding finding) {
    finding.check = check_;
    finding.severity = severity;
    findings_.push_back(std::move(finding));
  }

 private:
  std::string_view check_;
  Findings& findings_;
};

struct Check {
  std::string_view name;
  std::string_view looks_at;
  std::string_view finds;  // which severity when, for the documents
  void (*judge)(const Facts& facts, Report& report);
};

[[nodiscard]] std::span<const Check> checks();

[[nodiscard]] Findings examine(const Facts& facts);

}  // namespace fw::doctor
