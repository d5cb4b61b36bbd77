// SPDX-License-Identifier: MIT
// Runs a program of this system to its end: an argument list, no shell, no PATH.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace fw::datapath::nfqueue {

struct Ended {
  int status = 0;      // its exit status; 128 + signal if it was killed
  std::string output;  // standard output and error
};

// `arguments[0]` is looked for in /usr/sbin, /sbin, /usr/bin and /bin; `input` is its standard
// input. Fails only if it could not be run; a missing one is named.
[[nodiscard]] Result<Ended> run_program(std::span<const std::string> arguments,
                                        std::string_view input = {});

}  // namespace fw::datapath::nfqueue
