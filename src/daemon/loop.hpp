// SPDX-License-Identifier: MIT
// The event loop: signals, the tick, and what must not wait for it. One thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "daemon/daemon.hpp"
#include "daemon/service_manager.hpp"

namespace fw::daemon {

// Calls `then` once per arm() when a borrowed descriptor is readable. It is armed once per tick:
// the first event is handled at once, and a flood of events cannot keep the loop busy.
class Readable {
 public:
  Readable(boost::asio::io_context& context, int fd, std::function<void()> then);
  ~Readable();
  Readable(const Readable&) = delete;
  Readable& operator=(const Readable&) = delete;

  void arm();

 private:
  boost::asio::posix::stream_descriptor descriptor_;
  std::function<void()> then_;
  bool armed_ = false;
};

class Loop {
 public:
  // From now on signals wait for run(), so that none interrupts the start.
  Loop();

  [[nodiscard]] boost::asio::io_context& context() { return context_; }

  // Runs until SIGTERM or SIGINT. Tells the service manager that the daemon is ready.
  void run(Daemon& daemon, ServiceManager& manager);

 private:
  void wait_for_signal(Daemon& daemon);
  void wait_for_tick(Daemon& daemon, ServiceManager& manager, Readable& network);

  boost::asio::io_context context_{1};
  boost::asio::signal_set signals_;
  boost::asio::steady_timer ticker_;
};

}  // namespace fw::daemon
