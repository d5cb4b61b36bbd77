// SPDX-License-Identifier: MIT
// A thread for what would keep the event loop waiting: reading files, above all. It shares nothing
// with the loop: work is given values and returns one.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace fw::daemon {

class Worker {
 public:
  // `context` is the loop's; it outlives the worker.
  explicit Worker(boost::asio::io_context& context) : context_(context) {}
  // Waits for the work that has begun; what it would have returned is lost.
  ~Worker() {
    *ends_ = true;
    thread_.stop();
    thread_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Runs `work()` in the thread, after what was started before, then `done(its value)` in the loop.
  // Neither may throw.
  template <typename Work, typename Done>
  void start(Work work, Done done) {
    ++pending_;
    boost::asio::post(
        thread_, [this, ends = ends_, work = std::move(work), done = std::move(done)]() mutable {
          auto value = std::make_shared<decltype(work())>(work());
          boost::asio::post(context_, [this, ends, value, done = std::move(done)]() mutable {
            if (*ends) return;
            --pending_;
            done(std::move(*value));
          });
        });
  }

  // Started and not done.
  [[nodiscard]] std::size_t pending() const { return pending_; }

 private:
  boost::asio::io_context& context_;
  boost::asio::thread_pool thread_{1};
  std::size_t pending_ = 0;                                     // of the loop's thread
  std::shared_ptr<bool> ends_ = std::make_shared<bool>(false);  // of the loop's thread
};

}  // namespace fw::daemon
