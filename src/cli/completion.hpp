// SPDX-License-Identifier: MIT
// Completion scripts for shells, from the same table as the parser.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cli/offline.hpp"

namespace fw::cli {

inline constexpr std::array<std::string_view, 3> kShells{"bash", "zsh", "fish"};

// None for a shell that is not one of kShells.
[[nodiscard]] std::optional<std::string> completion(std::string_view shell,
                                                    std::span<const OfflineVerb> offline);

}  // namespace fw::cli
