// SPDX-License-Identifier: MIT
// What the operator can say: one handler for each verb of control/verbs.hpp. The API server and the
// tests call run(); the replies are described in docs/api.md.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/now.hpp"
#include "control/request.hpp"
#include "engine/engine.hpp"

namespace fw::engine {

// The daemon as the verbs see it: they call it, it calls the engine, and the engine knows neither.
class ServiceControl {
 public:
  ServiceControl() = default;
  virtual ~ServiceControl() = default;

  [[nodiscard]] virtual std::filesystem::path config_file() const = 0;
  // `off` takes the datapath off every interface and out of the kernel, the others put it back.
  // After an error on the way out of `off`, the mode is still `off`.
  [[nodiscard]] virtual Result<void> set_mode(Mode mode, const Now& now) = 0;
  // Puts the files on disk in force, in the engine and around it; what changed, in words.
  [[nodiscard]] virtual Result<std::vector<std::string>> reload(const Now& now) = 0;
  // Stores the baseline now, not when it is next due.
  virtual void store_baseline() = 0;

 protected:
  ServiceControl(ServiceControl&&) = default;
  ServiceControl& operator=(ServiceControl&&) = default;
};

class Commands {
 public:
  // Both are borrowed and outlive it.
  Commands(Engine& engine, ServiceControl& service) : engine_(engine), service_(service) {}

  [[nodiscard]] Result<nlohmann::json> run(const control::Request& request, const Now& now);

 private:
  Engine& engine_;
  ServiceControl& service_;
};

}  // namespace fw::engine
