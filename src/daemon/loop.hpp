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

// Tells, once per arm(), that a borrowed descriptor is readable. Once per tick is enough: the first
// event is heard at once, and a flood of them cannot keep the loop busy.
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
  // From now on signals wait for run(): none ends a start half-way.
  Loop();

  [[nodiscard]] boost::asio::io_context& context() { return context_; }

  // Until SIGTERM or SIGINT. Tells the service manager that we are ready.
  void run(Daemon& daemon, ServiceManager& manager);

 private:
  void wait_for_signal(Daemon& daemon);
  void wait_for_tick(Daemon& daemon, ServiceManager& manager, Readable& network);

  boost::asio::io_context context_{1};
  boost::asio::signal_set signals_;
  boost::asio::steady_timer ticker_;
};

}  // namespace fw::daemon
