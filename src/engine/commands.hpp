// SPDX-License-Identifier: MIT
// What the operator can say: one handler for each verb of control/verbs.hpp. The API server and the
// tests call run(); the replies are described in docs/api.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/deferred.hpp"
#include "base/error.hpp"
#include "base/now.hpp"
#include "control/request.hpp"
#include "engine/engine.hpp"

namespace fw::engine {

// How the files on disk are put in force.
struct ApplyOrder {
  bool force = false;   // even if something that lives now would be cut off
  bool accept = false;  // list files are taken as they are, however little is left of them
  std::optional<std::uint64_t> confirm_ns{};  // the former configuration returns after this time
  bool by_signal = false;                     // maybe of logrotate: it confirms nothing
};

// The daemon as the verbs see it: they call it, it calls the engine, and the engine knows neither.
class ServiceControl {
 public:
  ServiceControl() = default;
  virtual ~ServiceControl() = default;

  [[nodiscard]] virtual std::filesystem::path config_file() const = 0;
  // Who or what would be cut off if the mode were enforce, a sentence each.
  [[nodiscard]] virtual Deferred<std::vector<std::string>> judge_enforcing(const Now& now) = 0;
  // `off` takes the datapath off every interface and out of the kernel, the others put it back.
  // After an error on the way out of `off`, the mode is still `off`.
  [[nodiscard]] virtual Result<void> set_mode(Mode mode, const Now& now) = 0;
  // Puts the files on disk in force, in the engine and around it; what changed, in words. Refused
  // if something that lives now would be cut off; then nothing is changed.
  [[nodiscard]] virtual Deferred<Result<std::vector<std::string>>> reload(const ApplyOrder& order,
                                                                          const Now& now) = 0;
  // The configuration in force stays. Fails if none waits to be confirmed.
  [[nodiscard]] virtual Result<void> confirm(const Now& now) = 0;
  // Sends a test message to one alert, or to all (empty), which takes up to half a minute: what
  // each answered, a line each; an error with the same lines if one failed.
  [[nodiscard]] virtual Deferred<Result<std::string>> test_alerts(const std::string& name) = 0;
  // Stores the baseline now, not when it is next due.
  virtual void store_baseline() = 0;
  // The texts of the configuration in force.
  [[nodiscard]] virtual config::Source source() const { return {}; }
  // The verb `web`.
  [[nodiscard]] virtual Result<nlohmann::json> web(const control::Request& request);

 protected:
  ServiceControl(ServiceControl&&) = default;
  ServiceControl& operator=(ServiceControl&&) = default;
};

class Commands {
 public:
  // Both are borrowed and outlive it.
  Commands(Engine& engine, ServiceControl& service) : engine_(engine), service_(service) {}

  // Whether the request reads files or judges a configuration, which may take seconds: then begin()
  // is for it, one at a time.
  [[nodiscard]] bool is_long(const control::Request& request) const;
  [[nodiscard]] Result<Deferred<Result<nlohmann::json>>> begin(const control::Request& request,
                                                               const Now& now);
  // All other requests; those too, for whoever can wait.
  [[nodiscard]] Result<nlohmann::json> run(const control::Request& request, const Now& now);

 private:
  Engine& engine_;
  ServiceControl& service_;
};

}  // namespace fw::engine
