// SPDX-License-Identifier: MIT
// Runs a capture through a profile, from the first packet to the last.
//
// Thread rule: a free function without state.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/error.hpp"
#include "replay/job.hpp"
#include "replay/summary.hpp"

namespace fw::replay {

// Called every half million packets with their number so far and, for a file, the share of it that
// was read (0 to 1).
using Progress = std::function<void(std::uint64_t packets, std::optional<double> share)>;

// Fails if the capture cannot be opened, the configuration is invalid or the verdicts cannot be
// written. Damage after the first packet is no error: the report holds what was read, and its
// `damage`.
[[nodiscard]] Result<Report> replay(const Job& job, const Progress& progress);

}  // namespace fw::replay
