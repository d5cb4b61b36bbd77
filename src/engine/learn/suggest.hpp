// SPDX-License-Identifier: MIT
// What is usual, as a fragment of floodwall.toml: budgets with the reason for each number. It is
// valid by itself.
#pragma once

#include <string>
#include <string_view>

#include "config/config.hpp"
#include "engine/learn/baseline.hpp"

namespace fw::engine {

// `configured`: what the numbers are compared with. `seen_in`: "the peace that this daemon saw".
[[nodiscard]] std::string suggestion(const Baseline& baseline, const config::Budgets& configured,
                                     std::string_view seen_in);

}  // namespace fw::engine
