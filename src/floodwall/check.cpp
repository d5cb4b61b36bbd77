// SPDX-License-Identifier: MIT
// `floodwall check`: works without the daemon, since it is needed most when the daemon does not
// start. A file is always read here, with the rights of the caller, never by the daemon for him;
// the daemon reads its own configuration with the rights of the caller, too.
#include "engine/check.hpp"

#include <nlohmann/json.hpp>

#include "floodwall/local.hpp"

namespace fw {

namespace {

using std::filesystem::path;

constexpr const char* kDefaultFile = "/etc/floodwall/floodwall.toml";

Result<int> check_here(const cli::CommandLine& line, const path& file, cli::World& world) {
  const auto reply = engine::check_for_caller(file);
  if (!reply) return std::unexpected(reply.error());
  return cli::show(line, "check", *reply, world);
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
  // Who may not use the API may still read the file. The daemon may have another one, and have
  // refused to read that for the caller: then its error is the answer.
  std::error_code error;
  const bool may_be_here = reply.error().kind == ErrorKind::not_running ||
                           (reply.error().kind == ErrorKind::not_permitted &&
                            std::filesystem::exists(kDefaultFile, error));
  if (!may_be_here) return std::unexpected(reply.error());
  return check_here(line, kDefaultFile, world);
}

}  // namespace fw
