// SPDX-License-Identifier: MIT
// The command line, parsed by the table of verbs: CLI11 does the letters, the table the rest.
#pragma once

#include <algorithm>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "cli/offline.hpp"
#include "control/verbs.hpp"

namespace fw::cli {

// Options that the CLI itself understands, besides those of the verb's table.
inline constexpr control::Option kFollow{"follow", "", "go on and print what happens (or -f)"};
inline constexpr std::array<control::Option, 3> kGlobalOptions{{
    {"json", "", "print the reply as JSON"},
    {"socket", "PATH", "the daemon's socket (or $FLOODWALL_SOCKET)"},
    {"help", "", "print this help"},
}};
inline constexpr std::string_view kFollowingVerb = "events";

// Does an offline verb of the same name stand in for this one?
[[nodiscard]] inline bool is_replaced(const control::Verb& verb,
                                      std::span<const OfflineVerb> offline) {
  return std::ranges::any_of(offline,
                             [&](const OfflineVerb& one) { return one.name == verb.name; });
}

struct Command {
  const control::Verb* verb = nullptr;   // one of these two, or neither: print `text`
  const OfflineVerb* offline = nullptr;  // borrowed from the table given to parse
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string_view, std::string>> options;  // flags have no value
  bool json = false;
  bool follow = false;
  std::filesystem::path socket;
  std::string text;  // help or version
};

// `arguments` without the program's name. Errors are of kind usage.
[[nodiscard]] Result<Command> parse(std::span<const std::string> arguments,
                                    std::span<const OfflineVerb> offline,
                                    const std::filesystem::path& default_socket);

// The request that `command` stands for, as the API wants it; not yet checked.
[[nodiscard]] nlohmann::json request_of(const Command& command);

}  // namespace fw::cli
