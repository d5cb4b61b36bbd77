// SPDX-License-Identifier: MIT
// `floodwall suggest [FILE --protect ADDR]`: budgets for floodwall.toml with the reason for each
// number, from what the daemon learned, or from a capture of ordinary traffic by the engine that
// the daemon runs.
#pragma once

#include <functional>
#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "replay/options.hpp"

namespace fw::replay {

inline constexpr std::string_view kSuggestSummary =
    "budgets for floodwall.toml, from what is usual here or in a capture";

// The reply of the daemon's verb `suggest`, computed from a capture.
[[nodiscard]] Result<nlohmann::json> suggest_from(const Options& options);

// Returns the exit status. `ask`: the daemon's verb `suggest`.
[[nodiscard]] int run_suggest(std::span<const std::string> arguments, bool as_json,
                              const std::function<Result<nlohmann::json>()>& ask, std::ostream& out,
                              std::ostream& err);

}  // namespace fw::replay
