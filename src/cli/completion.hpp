// SPDX-License-Identifier: MIT
// Completion scripts for shells, from the table of commands. They know words only: an address is
// never completed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fw::cli {

// None for a shell that is not one of kShells.
[[nodiscard]] std::optional<std::string> completion(std::string_view shell);

}  // namespace fw::cli
