// SPDX-License-Identifier: MIT
// The command line of `floodwall`, parsed by the table of commands.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "cli/command_table.hpp"

namespace fw::cli {

struct CommandLine {
  const Command* command = nullptr;  // null: only print `text`
  std::vector<std::string> arguments;
  // In the order of the command's table, by the name in it; the value of a flag is empty. An option
  // that may repeat is here each time that it was given.
  std::vector<std::pair<std::string_view, std::string>> options;
  bool json = false;
  std::filesystem::path socket;
  std::string text;  // help or version

  [[nodiscard]] bool flag(std::string_view name) const { return !all(name).empty(); }
  // The last value given; none if the option was not given.
  [[nodiscard]] std::optional<std::string> option(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
};

// `arguments` without the program's name. Errors are of kind usage. Arguments and options are not
// yet held to their number and types: that is control::check_request's part.
[[nodiscard]] Result<CommandLine> parse(std::span<const std::string> arguments,
                                        const std::filesystem::path& default_socket);

}  // namespace fw::cli
