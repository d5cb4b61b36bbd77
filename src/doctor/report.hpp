// SPDX-License-Identifier: MIT
// Where a check puts what it finds.
#pragma once

#include <string>
#include <string_view>
#include <utility>

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

}  // namespace fw::doctor
