// SPDX-License-Identifier: MIT
// The one place that handles CLI11's exceptions, for `floodwall` and `floodwalld` alike. CLI11
// reports errors, --help and --version by throwing; callers get a Result.
#pragma once

#include <span>
#include <string>

#include "base/error.hpp"

namespace CLI {
class App;  // NOLINT(readability-identifier-naming): CLI11's name
}

namespace fw {

// Parses `arguments` (without the program's name) into what `app` was built from. Returns a text to
// print instead of doing anything (help, version), or "". Errors are of kind usage and name the
// help to read.
[[nodiscard]] Result<std::string> parse_command_line(CLI::App& app,
                                                     std::span<const std::string> arguments);

}  // namespace fw
