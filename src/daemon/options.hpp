// SPDX-License-Identifier: MIT
// The command line of floodwalld.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "base/error.hpp"

namespace fw::daemon {

enum class Task {
  run,
  check,   // validate the configuration
  remove,  // take everything out of the kernel, whichever daemon left it
  print,   // help or version
};

struct Options {
  Task task = Task::run;
  std::filesystem::path config = "/etc/floodwall/floodwall.toml";
  std::filesystem::path socket = "/run/floodwall/floodwall.sock";
  std::filesystem::path pins = "/sys/fs/bpf/floodwall";
  std::filesystem::path state = "/var/lib/floodwall";
  std::string text;  // for Task::print
};

// `arguments` without the program's name. Errors are of kind usage. Paths come back absolute.
[[nodiscard]] Result<Options> parse_options(std::span<const std::string> arguments);

}  // namespace fw::daemon
