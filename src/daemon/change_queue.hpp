// SPDX-License-Identifier: MIT
// Changes that need more time than the event loop has: lists that are read, configurations that are
// judged. They come into force one after the other, in the order in which they were asked for; each
// is planned in the loop when its turn comes, worked out in a thread, and finished in the loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

#include "base/clock.hpp"
#include "base/deferred.hpp"
#include "daemon/worker.hpp"

namespace fw::daemon {

class ChangeQueue {
 public:
  using Change = Deferred<void>;
  // What is to be done, by what is in force now; nothing, if it turned out to be needless.
  using Plan = std::function<std::optional<Change>(const Now&)>;

  // `context` is the loop's; it outlives the queue.
  explicit ChangeQueue(boost::asio::io_context& context) : context_(context), worker_(context) {}
  ~ChangeQueue() { stop_.request_stop(); }
  ChangeQueue(const ChangeQueue&) = delete;
  ChangeQueue& operator=(const ChangeQueue&) = delete;

  // Called in the loop after each finish(), before the next change is planned.
  void follow_each_with(std::function<void()> done) { follow_ = std::move(done); }

  // From the loop. If it waits for nothing it begins when the loop is reached.
  void add(Plan plan) {
    waiting_.push_back(std::move(plan));
    if (std::exchange(busy_, true)) return;
    boost::asio::post(context_, [this] { next(); });
  }

  // From a finish() or what follows it: work that is done before the next change.
  void aside(std::function<void()> work, std::function<void()> done) {
    worker_.start(guarded(std::move(work)), [done = std::move(done)](const Done&) { done(); });
  }

  // Those that wait, and the one at work.
  [[nodiscard]] std::size_t pending() const { return waiting_.size() + (busy_ ? 1 : 0); }
  // Asked to stop when the daemon ends: then work that takes long gives up.
  [[nodiscard]] std::stop_token stop_token() const { return stop_.get_token(); }

 private:
  struct Done {};

  // What is not done because memory is short, its finish() finds undone.
  static std::function<Done()> guarded(std::function<void()> work) {
    return [work = std::move(work)] {
      try {
        work();
      } catch (const std::exception&) {
        return Done{};
      }
      return Done{};
    };
  }

  void next() {
    while (!waiting_.empty()) {
      const Plan plan = std::move(waiting_.front());
      waiting_.pop_front();
      std::optional<Change> change = plan(read_clocks());
      if (!change) continue;
      worker_.start(guarded(std::move(change->work)),
                    [this, finish = std::move(change->finish)](const Done&) {
                      finish(read_clocks());
                      if (follow_) follow_();
                      next();
                    });
      return;
    }
    busy_ = false;
  }

  boost::asio::io_context& context_;
  std::stop_source stop_;
  std::function<void()> follow_;
  std::deque<Plan> waiting_;
  bool busy_ = false;
  Worker worker_;
};

}  // namespace fw::daemon
