// SPDX-License-Identifier: MIT
// A configuration on trial: the real policy with tables of its own, filled as the daemon would fill
// the datapath's. It says what would become of a packet, before anything is published.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/now.hpp"
#include "config/config.hpp"
#include "daemon/frames.hpp"
#include "datapath/user/user_datapath.hpp"
#include "engine/engine.hpp"
#include "host/sockets.hpp"

namespace fw::daemon {

class Trial {
 public:
  // All are borrowed for the call.
  struct Setup {
    const config::Config& config;
    std::span<const std::byte> image;  // of the lists, without what is refused
    std::span<const engine::Exemption> exemptions;
    const engine::PrefixMap<engine::Allowance>& allowances;
    std::string baseline;  // Baseline::text()
    const std::vector<host::Socket>& listeners;
    bool answers_syns = false;  // the datapath in use can send SYN cookies
  };
  [[nodiscard]] static Result<std::unique_ptr<Trial>> begin(const Setup& setup, const Now& now);

  // A packet arrives; the decision, if it is lost to its sender.
  [[nodiscard]] std::optional<fw_decision> arrive(const Frame& frame);
  void leave(const Frame& frame);
  // A connection that stands already.
  void establish(const host::Socket& socket);
  void pass_time(std::uint64_t span_ns) { now_ns_ += span_ns; }
  // The metric whose limit the last lost packet was above; none: it was not lost to a limit.
  [[nodiscard]] std::optional<fw_metric> limited() const { return limited_; }

 private:
  Trial(const config::Config& config, std::uint64_t now_ns);

  datapath::UserDatapath datapath_;
  engine::Engine engine_;
  std::uint64_t now_ns_;
  bool answers_syns_ = false;
  std::optional<fw_metric> limited_;
};

}  // namespace fw::daemon
