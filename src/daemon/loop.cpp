// SPDX-License-Identifier: MIT
#include "daemon/loop.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include "base/clock.hpp"

namespace fw::daemon {
namespace {

constexpr std::chrono::milliseconds kTick{100};  // docs/detection.md: first drop within 250 ms

}  // namespace

Readable::Readable(boost::asio::io_context& context, int fd, std::function<void()> then)
    : descriptor_(context, fd), then_(std::move(then)) {}

Readable::~Readable() {
  (void)descriptor_.release();  // cancels the wait; the descriptor is borrowed
}

void Readable::arm() {
  if (std::exchange(armed_, true)) return;
  descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this](const boost::system::error_code& error) {
                           if (error == boost::asio::error::operation_aborted) return;
                           armed_ = false;
                           then_();
                         });
}

Loop::Loop() : signals_(context_, SIGTERM, SIGINT, SIGHUP), ticker_(context_) {
  // A peer that closed its connection, or a file size limit, shows as an error of the call.
  (void)std::signal(SIGPIPE, SIG_IGN);
  (void)std::signal(SIGXFSZ, SIG_IGN);
}

void Loop::run(Daemon& daemon, ServiceManager& manager) {
  Readable network(context_, daemon.network_fd(),
                   [&daemon] { daemon.network_changed(read_clocks()); });
  wait_for_signal(daemon);
  ticker_.expires_after(std::chrono::milliseconds(0));
  wait_for_tick(daemon, manager, network);
  manager.notify("READY=1");
  context_.run();
  manager.notify("STOPPING=1");
}

void Loop::wait_for_signal(Daemon& daemon) {
  signals_.async_wait([this, &daemon](const boost::system::error_code& error, int signal) {
    if (error) return;
    if (signal != SIGHUP) {
      context_.stop();
      return;
    }
    daemon.reload_on_signal();
    wait_for_signal(daemon);
  });
}

void Loop::wait_for_tick(Daemon& daemon, ServiceManager& manager, Readable& network) {
  ticker_.async_wait([this, &daemon, &manager, &network](const boost::system::error_code& error) {
    if (error) return;
    const auto late = std::chrono::steady_clock::now() - ticker_.expiry();
    daemon.was_late(static_cast<std::uint64_t>(
        std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(late)).count()));
    const Now now = read_clocks();
    daemon.tick(now);
    if (daemon.is_superseded()) return context_.stop();
    manager.alive(now);
    network.arm();
    // After a pause (a long command, a suspended machine) there is one tick, not all that were
    // missed.
    ticker_.expires_at(std::max(ticker_.expiry() + kTick, std::chrono::steady_clock::now()));
    wait_for_tick(daemon, manager, network);
  });
}

}  // namespace fw::daemon
