// SPDX-License-Identifier: MIT
// What `floodwall replay` was asked to do.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"
#include "control/verbs.hpp"

namespace fw::replay {

inline constexpr std::string_view kDefaultProfile = "default";
inline constexpr std::string_view kSeedProfile = "seed";
inline constexpr std::array<std::string_view, 2> kProfiles{kDefaultProfile, kSeedProfile};

inline constexpr std::array<control::Option, 4> kOptions{{
    {"protect", "ADDR,...", "whom the capture's packets go to: this host's addresses in it"},
    {"config", "FILE", "a floodwall.toml; else the built-in defaults, without lists"},
    {"profile", "NAME", "who decides: default, or seed (the limiter Floodwall grew out of)"},
    {"verdicts", "FILE", "write a line per packet: index, pass or drop, reason"},
}};

struct Options {
  std::string file;  // "-": standard input
  std::vector<Address> protect;
  std::optional<std::filesystem::path> config;
  std::string profile{kDefaultProfile};
  std::optional<std::string> verdicts;
  std::string help;  // not empty: only print this
};

// Errors are of kind usage.
[[nodiscard]] Result<Options> parse_options(std::span<const std::string> arguments);

inline constexpr std::array<control::Option, 2> kSuggestOptions{kOptions[0], kOptions[1]};
// Of `floodwall suggest`: without a file it is the daemon that is asked.
[[nodiscard]] Result<Options> parse_suggest_options(std::span<const std::string> arguments);

}  // namespace fw::replay
