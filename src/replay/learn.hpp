// SPDX-License-Identifier: MIT
// What is usual in a capture of ordinary traffic, learned by the engine that the daemon runs.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"
#include "config/config.hpp"
#include "engine/learn/baseline.hpp"

namespace fw::replay {

// `protect`: sorted. All of the capture is taken for normal load, whatever `config`'s budgets are.
[[nodiscard]] Result<engine::Baseline> learn_from(const std::string& file,
                                                  const std::vector<Address>& protect,
                                                  config::Config config);

}  // namespace fw::replay
