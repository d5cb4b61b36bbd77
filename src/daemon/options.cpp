// SPDX-License-Identifier: MIT
#include "daemon/options.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <system_error>

#include "base/command_line.hpp"
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
  bool check = false;
  bool remove = false;
  CLI::App app{"Protects this host from floods; `floodwall` talks to it.", "floodwalld"};
  app.add_option("--config", config, "the configuration")->type_name("FILE");
  app.add_option("--socket", socket, "where the API listens")->type_name("PATH");
  app.add_option("--pins", pins, "what outlives the daemon, in a bpffs")->type_name("DIR");
  app.add_option("--state", state, "what outlives it, and captures of attacks")->type_name("DIR");
  auto* const checks =
      app.add_flag("--check", check, "only say whether the configuration is valid");
  app.add_flag("--remove", remove, "take Floodwall off every interface and out of the kernel")
      ->excludes(checks);
  // Of no effect; service files pass it, since many daemons go to the background without it.
  bool foreground = true;
  app.add_flag("--foreground", foreground, "stay in the foreground, as it always does");
  app.set_version_flag("--version", fmt::format("floodwalld {}", kVersion), "print the version");
  auto text = parse_command_line(app, arguments);
  if (!text) return std::unexpected(std::move(text).error());
  options.text = std::move(*text);
  if (!options.text.empty())
    options.task = Task::print;
  else if (check || remove)
    options.task = check ? Task::check : Task::remove;
  options.config = from_root(config);
  options.socket = from_root(socket);
  options.pins = from_root(pins);
  options.state = from_root(state);
  return options;
}

}  // namespace fw::daemon
