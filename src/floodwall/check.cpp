// SPDX-License-Identifier: MIT
// `floodwall check`: works without the daemon, since it is needed most when the daemon does not
// start. A file is always read here, with the rights of the caller, never by the daemon for him.
#include "engine/check.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "config/config.hpp"
#include "floodwall/local.hpp"
#include "lists/list_file.hpp"

namespace fw {

namespace {

using std::filesystem::path;

constexpr const char* kDefaultFile = "/etc/floodwall/floodwall.toml";

Result<void> check_readable(const path& file) {
  if (::access(file.c_str(), R_OK) == 0 || errno != EACCES) return {};
  return fail(ErrorKind::not_permitted,
              fmt::format("you may not read {}: run with sudo", file.native()));
}

// What the daemon could read and the caller cannot is no fault of the configuration.
Result<void> check_all_readable(const path& file) {
  const path folder = file.parent_path();
  std::vector<path> files{file, folder / "conf.d"};
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "conf.d", error))
    files.push_back(entry.path());
  if (const auto config = config::load(file)) {
    for (const auto& patterns : {config->lists.deny, config->lists.allow})
      for (path& list : lists::expand(patterns, folder)) files.push_back(std::move(list));
  }
  for (const path& one : files)
    if (auto readable = check_readable(one); !readable) return readable;
  return {};
}

Result<int> check_here(const cli::CommandLine& line, const path& file, cli::World& world) {
  if (auto readable = check_all_readable(file); !readable) return std::unexpected(readable.error());
  auto message = engine::check_configuration(file);
  if (!message) return std::unexpected(std::move(message).error());
  return cli::show(line, "check", {{"valid", true}, {"message", std::move(*message)}}, world);
}

}  // namespace

Result<int> run_check(const cli::CommandLine& line, cli::World& world) {
  if (!line.arguments.empty()) {
    std::error_code error;
    const path file = std::filesystem::absolute(line.arguments.front(), error);
    return check_here(line, error ? path(line.arguments.front()) : file, world);
  }
  // Only the daemon knows which configuration it was started with.
  const auto reply = world.call(line.socket, "check", nlohmann::json::object());
  if (reply) return cli::show(line, "check", *reply, world);
  if (reply.error().kind != ErrorKind::not_running &&
      reply.error().kind != ErrorKind::not_permitted)
    return std::unexpected(reply.error());
  return check_here(line, kDefaultFile, world);
}

}  // namespace fw
