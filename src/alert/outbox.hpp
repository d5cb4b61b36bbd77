// SPDX-License-Identifier: MIT
// The queue of each target: what waits, when it is tried next, and what becomes a digest. Order is
// kept; a message is removed when its delivery succeeded, so a crash may deliver it twice (its id
// is the same) and never not at all. Bounded: the oldest is dropped, and the next delivery says how
// many were. Is given the time; touches no file.
//
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "alert/message.hpp"
#include "base/error.hpp"
#include "config/config.hpp"

namespace fw::alert {

class Outbox {
 public:
  // Judgement, all four: a queue's file stays below a megabyte with 16 targets that are down; who
  // was away for a minute hears of it soon, and a target that is down for a day is asked 150 times.
  static constexpr std::size_t kMaxWaiting = 100;
  static constexpr std::size_t kMaxDigest = 50;
  static constexpr std::uint64_t kFirstRetryMs = 2'000;
  static constexpr std::uint64_t kLastRetryMs = 600'000;

  struct Target {
    std::deque<Message> waiting;  // oldest first; the first `under_way` of them are being delivered
    std::size_t under_way = 0;
    std::uint64_t dropped = 0;  // not told yet ...
    std::uint64_t telling = 0;  // ... and of these, what the delivery under way says
    // Since the start of the daemon.
    std::uint64_t delivered = 0, failures = 0, dropped_in_all = 0;
    unsigned tries = 0;                 // of the first one, that failed
    std::uint64_t due_ms = 0;           // not tried before
    std::string error;                  // of the last try; empty: it succeeded
    std::deque<std::uint64_t> sent_ms;  // deliveries of the last minute
  };

  // Targets that are gone lose what waits.
  void configure(std::span<const config::Alert> alerts);
  // Into the queue of every target that wants to hear of it.
  void post(Message message);

  // What is to be delivered to a target now; it is under way until done() is called.
  [[nodiscard]] std::optional<Package> take(const std::string& target, std::uint64_t now_ms);
  // `error` empty: it was delivered.
  void done(const std::string& target, const std::string& error, std::uint64_t now_ms);
  // When take() is worth a call; none: when something is posted or done.
  [[nodiscard]] std::optional<std::uint64_t> due_ms() const;

  [[nodiscard]] const std::map<std::string, Target>& targets() const { return targets_; }

  // What outlives the daemon, as JSON; `told` goes with it (problem_watch.hpp). Unknown targets are
  // left out. After an error nothing is taken over.
  [[nodiscard]] std::string text(const std::set<std::string>& told) const;
  [[nodiscard]] Result<std::set<std::string>> restore(std::string_view text);

 private:
  [[nodiscard]] std::uint64_t due_of(const Target& target, const config::Alert& alert) const;

  std::map<std::string, config::Alert> alerts_;  // by name
  std::map<std::string, Target> targets_;        // likewise
  std::uint64_t last_id_ = 0;
};

}  // namespace fw::alert
