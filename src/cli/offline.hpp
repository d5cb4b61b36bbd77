// SPDX-License-Identifier: MIT
// Verbs that need no daemon (selftest, setup, completion ...): the hook by which main.cpp adds them
// to the parser, the help and the shell completion.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "control/verbs.hpp"

namespace fw::cli {

struct OfflineCall {
  std::span<const std::string> arguments;  // all that follows the verb but --json and --socket
  bool json = false;
  std::filesystem::path socket;
};

// It parses its arguments itself, --help too, and returns the exit status. One that has the name of
// a verb of the daemon's stands in for it, and asks the daemon by itself where it needs to.
struct OfflineVerb {
  std::string_view name;
  std::string_view summary;                   // a line, imperative, no full stop
  std::span<const std::string_view> choices;  // of its first argument, for completion
  std::span<const control::Option> options;   // for completion
  std::function<int(const OfflineCall&)> run;
};

}  // namespace fw::cli
