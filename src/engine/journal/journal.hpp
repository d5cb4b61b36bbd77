// SPDX-License-Identifier: MIT
// The event log's content: every transition once, the last 10,000 in memory, also those of before a
// restart. Files and the system journal are the sink's business.
//
// Its volume is bounded whatever happens: each type of event has a token bucket (GCRA, ITU-T I.371)
// of 50 a second and 200 at once. What exceeds it is counted, and one `Suppressed` line follows.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/kept_row.hpp"
#include "base/now.hpp"
#include "engine/journal/event.hpp"

namespace fw::engine {

// What an event says, before it has a time and an id.
struct EventDetails {
  std::string address;
  std::vector<Field> fields;
};

// Of a reload_failed event: `what` could not be put in force.
[[nodiscard]] EventDetails failure_details(std::string_view what, const Error& error);

class Journal {
 public:
  using Sink = std::function<void(const Event&)>;
  static constexpr std::size_t kMaxEvents = 10'000;  // judgement

  // `sink` is called with each event as it is written.
  void set_sink(Sink sink) { sink_ = std::move(sink); }

  // Writes what `compose()` returns (EventDetails). It is not called when the event is suppressed,
  // so a flood of events costs no formatting.
  template <typename Compose>
  void write(EventType type, const Now& now, Compose compose) {
    if (admits(type, now)) append(type, now, compose());
  }

  // ---- what outlives the daemon

  // Before the first event: takes again what a former daemon handed out. How many they were.
  std::size_t restore(const KeptRows& rows);
  // Hands out what changed since the last call, up to `most` rows "event ID".
  void take_changes(std::size_t most, KeptRows& rows);
  // The store is empty: all are to be handed out again.
  void write_all() { kept_id_ = 0; }

  // Writes the Suppressed lines that are due: a second after the first suppressed event, then every
  // ten seconds.
  void summarise_suppressed(const Now& now);

  // Oldest first.
  [[nodiscard]] const std::deque<Event>& events() const { return events_; }
  [[nodiscard]] std::uint64_t last_id() const { return last_id_; }
  // Since the start.
  [[nodiscard]] std::uint64_t suppressed() const { return suppressed_; }

 private:
  struct Bucket {
    std::uint64_t tat_ns = 0;      // theoretical arrival time
    std::uint64_t suppressed = 0;  // not yet summarised
    std::uint64_t summary_due_ns = 0;
  };

  [[nodiscard]] bool admits(EventType type, const Now& now);
  void append(EventType type, const Now& now, EventDetails details);
  [[nodiscard]] std::optional<Event> event_of(const KeptRow& row);
  void forget_oldest();

  static constexpr std::uint64_t kIdGap = 10'000;  // judgement: above what a second can have

  std::array<Bucket, kEventTypes> buckets_{};
  std::deque<Event> events_;
  std::uint64_t last_id_ = 0;
  std::uint64_t suppressed_ = 0;
  Sink sink_;
  std::uint64_t kept_id_ = 0;         // handed out up to here
  std::vector<std::string> removed_;  // rows that are of no use any more
  std::set<std::string> keys_;        // of fields of restored events
};

}  // namespace fw::engine
