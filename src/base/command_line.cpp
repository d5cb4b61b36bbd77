// SPDX-License-Identifier: MIT
#include "base/command_line.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <vector>

namespace fw {

Result<std::string> parse_command_line(CLI::App& app, std::span<const std::string> arguments) {
  try {
    // CLI11 takes the arguments from the back.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    return "";
  } catch (const CLI::CallForHelp&) {
    return app.help();
  } catch (const CLI::CallForVersion& version) {
    return std::string(version.what()) + "\n";
  } catch (const CLI::Error& error) {
    const auto chosen = app.get_subcommands();
    return fail(ErrorKind::usage,
                fmt::format("{}; see {}{} --help", error.what(), app.get_name(),
                            chosen.empty() ? "" : " " + chosen.front()->get_name()));
  }
}

}  // namespace fw
