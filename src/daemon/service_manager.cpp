// SPDX-License-Identifier: MIT
#include "daemon/service_manager.hpp"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string>

namespace fw::daemon {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view{} : std::string_view{value};
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
  const std::string_view pid = variable("WATCHDOG_PID");
  const bool for_us = pid.empty() || number(pid) == static_cast<std::uint64_t>(::getpid());
  const std::uint64_t interval_us = for_us ? number(variable("WATCHDOG_USEC")) : 0;
  return {Datagram(std::string(variable("NOTIFY_SOCKET"))), interval_us * 1000};
}

void ServiceManager::alive(const Now& now) {
  if (interval_ns_ == 0 || now.mono_ns < due_ns_) return;
  due_ns_ = now.mono_ns + interval_ns_ / 2;
  socket_.send("WATCHDOG=1");
}

}  // namespace fw::daemon
