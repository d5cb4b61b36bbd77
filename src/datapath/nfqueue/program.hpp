// SPDX-License-Identifier: MIT
// Runs a program of this system and waits for its end. No shell and no PATH are involved.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace fw::datapath::nfqueue {

struct ProgramResult {
  int status = 0;      // its exit status; 128 + signal if it was killed
  std::string output;  // standard output and error
};

// Looks for `arguments[0]` in /usr/sbin, /sbin, /usr/bin and /bin. `input` is its standard input.
// Fails only if the program could not be run; the error names a missing one.
[[nodiscard]] Result<ProgramResult> run_program(std::span<const std::string> arguments,
                                                std::string_view input = {});

}  // namespace fw::datapath::nfqueue
