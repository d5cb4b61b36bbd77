// SPDX-License-Identifier: MIT
// `floodwall selftest`: proves on this machine's kernel, in namespaces of its own, that Floodwall
// blocks and lets in as it should. Touches nothing of the machine and leaves nothing behind.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "control/verbs.hpp"

namespace fw::selftest {

inline constexpr std::string_view kSummary =
    "prove in namespaces of its own that blocking works here";
inline constexpr std::array<control::Option, 2> kOptions{{
    {"ban-time", "DURATION", "how long the flooder is blocked (default 2s)"},
    {"keep-log", "", "leave the daemon's log in ./floodwall-selftest.log"},
}};

// Writes to standard output and error (also from a child process). Returns the exit status.
[[nodiscard]] int run(std::span<const std::string> arguments, bool as_json);

}  // namespace fw::selftest
