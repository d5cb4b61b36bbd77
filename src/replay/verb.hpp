// SPDX-License-Identifier: MIT
// `floodwall replay FILE --protect ADDR`: what Floodwall would have done with a capture. Needs no
// privilege and no daemon.
#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

#include "cli/style.hpp"
#include "replay/options.hpp"

namespace fw::replay {

inline constexpr std::string_view kSummary =
    "what Floodwall would have done with a capture; needs no privilege";

// Returns the exit status. Progress goes to `err`, if that is a terminal.
[[nodiscard]] int run(std::span<const std::string> arguments, bool as_json, const cli::Style& style,
                      std::ostream& out, std::ostream& err, bool err_is_terminal);

}  // namespace fw::replay
