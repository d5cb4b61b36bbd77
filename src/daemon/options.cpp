// SPDX-License-Identifier: MIT
// The only file of the daemon that sees CLI11, which reports by exceptions.
#include "daemon/options.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <system_error>
#include <vector>

#include "base/version.hpp"

namespace fw::daemon {
namespace {

// Absolute, so that a later change of the working directory does not matter.
std::filesystem::path from_root(const std::string& path) {
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? std::filesystem::path(path) : absolute.lexically_normal();
}

}  // namespace

Result<Options> parse_options(std::span<const std::string> arguments) {
  Options options;
  std::string config = options.config;
  std::string socket = options.socket;
  std::string pins = options.pins;
  std::string state = options.state;
  bool foreground = false;
  bool check = false;
  bool remove = false;
  bool version = false;
  try {
    CLI::App app{"Protects this host from floods; `floodwall` talks to it.", "floodwalld"};
    app.add_option("--config", config, "the configuration")->type_name("FILE");
    app.add_option("--socket", socket, "where the API listens")->type_name("PATH");
    app.add_option("--pins", pins, "what outlives the daemon, in a bpffs")->type_name("DIR");
    app.add_option("--state", state, "what was learned, and captures of attacks")->type_name("DIR");
    app.add_flag("--foreground", foreground, "stay in the foreground (it always does)");
    auto* const checks =
        app.add_flag("--check", check, "only say whether the configuration is valid");
    app.add_flag("--remove", remove, "take Floodwall off every interface and out of the kernel")
        ->excludes(checks);
    app.add_flag("--version", version, "print the version");
    try {
      // CLI11 takes the arguments from the back.
      app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::CallForHelp&) {
      options.task = Task::print;
      options.text = app.help();
      return options;
    }
  } catch (const CLI::Error& error) {
    return fail(ErrorKind::usage, fmt::format("{}; see floodwalld --help", error.what()));
  }
  if (version) {
    options.task = Task::print;
    options.text = fmt::format("floodwalld {}\n", kVersion);
  } else if (check || remove) {
    options.task = check ? Task::check : Task::remove;
  }
  options.config = from_root(config);
  options.socket = from_root(socket);
  options.pins = from_root(pins);
  options.state = from_root(state);
  return options;
}

}  // namespace fw::daemon
