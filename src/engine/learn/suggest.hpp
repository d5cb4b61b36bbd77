// SPDX-License-Identifier: MIT
// The baseline as a fragment of floodwall.toml: budgets, with the reason for each number. The
// fragment is valid by itself.
#pragma once

#include <string>
#include <string_view>

#include "config/config.hpp"
#include "engine/learn/baseline.hpp"

namespace fw::engine {

// `configured`: what the numbers are compared with. `seen_in`: "the normal load that this daemon
// saw".
[[nodiscard]] std::string suggestion(const Baseline& baseline, const config::Budgets& configured,
                                     std::string_view seen_in);

}  // namespace fw::engine
