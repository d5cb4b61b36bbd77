// SPDX-License-Identifier: MIT
// Notifications to systemd (sd_notify(3), Type=notify) and its watchdog. Without systemd it does
// nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/now.hpp"
#include "daemon/datagram.hpp"

namespace fw::daemon {

class ServiceManager {
 public:
  // From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  [[nodiscard]] static ServiceManager from_environment();

  // "READY=1", "STOPPING=1"
  void notify(std::string_view state) { socket_.send(state); }
  // Call it every tick; it notifies the watchdog twice per interval.
  void alive(const Now& now);

 private:
  ServiceManager(Datagram socket, std::uint64_t interval_ns)
      : socket_(std::move(socket)), interval_ns_(interval_ns) {}

  Datagram socket_;
  std::uint64_t interval_ns_;  // 0: no watchdog
  std::uint64_t due_ns_ = 0;
};

}  // namespace fw::daemon
