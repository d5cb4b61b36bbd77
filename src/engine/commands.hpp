// SPDX-License-Identifier: MIT
// What the operator can say: one handler for each verb of control/verbs.hpp. The daemon's API
// server and its tests call run(); the replies are described in docs/api.md.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "control/request.hpp"
#include "engine/engine.hpp"

namespace fw::engine {

// What commands need of the daemon around the engine.
struct Host {
  std::filesystem::path config_file;
  // `mode off`: takes the datapath off every interface and out of the kernel. Engine::move_to()
  // lets the engine go on, on tables in memory.
  std::function<Result<void>(const Now&)> detach_all;
  // Back from `off`: a new datapath, filled by move_to(), then attached to every interface.
  std::function<Result<void>(const Now&)> attach_all;
  // A new configuration is in force: follow its interfaces, exemptions and log.
  std::function<void(const Now&)> reconfigured;
  // Baseline::text() changed and is to outlive us: now, not at the next turn.
  std::function<void()> keep_learned{};
};

class Commands {
 public:
  // `engine` is borrowed and outlives it.
  Commands(Engine& engine, Host host) : engine_(engine), host_(std::move(host)) {}

  [[nodiscard]] Result<nlohmann::json> run(const control::Request& request, const Now& now);

 private:
  Engine& engine_;
  Host host_;
};

// Is there a handler for this verb?
[[nodiscard]] bool has_handler(std::string_view verb);

}  // namespace fw::engine
