// SPDX-License-Identifier: MIT
// `floodwall doctor`: looks at this host and says what a flood would find, with the command that
// mends it. Changes nothing; needs neither the daemon nor root, and says what it could not see.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/style.hpp"
#include "doctor/facts.hpp"
#include "doctor/finding.hpp"

namespace fw::doctor {

// Problems first; what is ok is a line at the end, or with `all` a line each.
[[nodiscard]] std::string render(const Findings& findings, const std::vector<std::string>& unseen,
                                 bool all, const cli::Style& style);

// {"worst": "warning", "findings": [{"check", "severity", "subject", "saw", "meaning", "command"}],
//  "unseen": ["..."]}
[[nodiscard]] nlohmann::json as_json(const Findings& findings,
                                     const std::vector<std::string>& unseen);

}  // namespace fw::doctor
