// SPDX-License-Identifier: MIT
// Runs a capture through a profile, from the first packet to the last.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/error.hpp"
#include "replay/options.hpp"
#include "replay/summary.hpp"

namespace fw::replay {

// Called now and then with the packets so far and, for a file, how much of it was read (0 to 1).
using Progress = std::function<void(std::uint64_t packets, std::optional<double> share)>;

// Fails if the capture cannot be opened, the configuration is invalid or the verdicts cannot be
// written. Damage farther on is no error here: the report holds what was read, and its `damage`.
[[nodiscard]] Result<Report> replay(const Options& options, const Progress& progress);

}  // namespace fw::replay
