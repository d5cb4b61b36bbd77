// SPDX-License-Identifier: MIT
// Patterns of list files, with a bound on what they may look at: /proc/*/*/*/*/* would take hours
// and gigabytes.
//
// Thread rule: free functions without state.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace fw::lists {

// Names that are looked at for one pattern, and how long that may take. Judgement: more than any
// folder of lists has, and less than what would delay the daemon.
inline constexpr std::size_t kMostNames = 20'000;
inline constexpr unsigned kMostMs = 1'000;

[[nodiscard]] bool is_pattern(const std::string& name);

// The files that match, in name order. Fails, naming the pattern, when a bound is reached.
[[nodiscard]] Result<std::vector<std::filesystem::path>> match(
    const std::filesystem::path& pattern);

// Whether every pattern among `patterns`, relative ones below `folder`, keeps to the bounds.
[[nodiscard]] Result<void> check_patterns(std::span<const std::string> patterns,
                                          const std::filesystem::path& folder);

}  // namespace fw::lists
