// SPDX-License-Identifier: MIT
// What a replay is to do: the capture, whom it is about, and the settings to judge with.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"

namespace fw::replay {

inline constexpr std::string_view kDefaultProfile = "default";
inline constexpr std::string_view kSeedProfile = "seed";
inline constexpr std::array<std::string_view, 2> kProfiles{kDefaultProfile, kSeedProfile};

struct Job {
  std::string file;                             // "-": standard input
  std::vector<Address> protect;                 // sorted
  std::optional<std::filesystem::path> config;  // none: the built-in settings, no lists
  std::string profile{kDefaultProfile};         // one of kProfiles
  std::optional<std::string> verdicts;          // a file to write
  std::optional<double> capacity;  // packets/s that a service bears above its budget; none: nothing
};

}  // namespace fw::replay
