// SPDX-License-Identifier: MIT
// Two configurations compared: what may not change while the daemon runs, and what did, in words.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "engine/settings/settings.hpp"

namespace fw::engine {

// Refused, naming the keys, if a setting differs that is fixed when the daemon starts.
[[nodiscard]] Result<void> check_fixed_settings(const config::Config& current,
                                                const config::Config& next);

// "ban.time 1m -> 5m", "service \"game\" is new"; empty if nothing changed.
[[nodiscard]] std::vector<std::string> describe_changes(const Settings& current,
                                                        const Settings& next);

}  // namespace fw::engine
