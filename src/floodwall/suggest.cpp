// SPDX-License-Identifier: MIT
// `floodwall suggest [FILE --protect ADDR]`: asks the daemon, or makes the same of a capture.
#include "engine/learn/suggest.hpp"

#include <nlohmann/json.hpp>

#include "config/config.hpp"
#include "floodwall/local.hpp"
#include "replay/learn.hpp"

namespace fw {

namespace {

Result<nlohmann::json> suggest_from(const std::string& file, const std::vector<Address>& protect,
                                    const std::optional<std::string>& config_file) {
  const auto config =
      config_file ? config::load(*config_file) : Result<config::Config>(config::Config{});
  if (!config) return std::unexpected(config.error());
  const auto learned = replay::learn_from(file, protect, *config);
  if (!learned) return std::unexpected(learned.error());
  return nlohmann::json{{"toml", engine::suggestion(*learned, config->budgets, file)},
                        {"seconds", learned->seconds()}};
}

}  // namespace

Result<int> run_suggest(const cli::CommandLine& line, cli::World& world) {
  const auto protect = protected_addresses(line);
  if (!protect) return std::unexpected(protect.error());
  if (line.arguments.empty()) {
    if (!line.options.empty())
      return fail(ErrorKind::usage, "suggest: --protect and --config need a capture FILE");
    return cli::ask(line, world);
  }
  if (protect->empty())
    return fail(ErrorKind::usage,
                "suggest: a capture needs --protect ADDR: this host's address in it");
  const auto reply = suggest_from(line.arguments.front(), *protect, line.option("config"));
  if (!reply) return std::unexpected(reply.error());
  return cli::show(line, "suggest", *reply, world);
}

}  // namespace fw
