// SPDX-License-Identifier: MIT
// The event log's content: every transition once, the last 10,000 in memory. Files and the system
// journal are the sink's business.
//
// Its volume is bounded whatever happens: each type of event has a token bucket (GCRA, ITU-T I.371)
// of 50 a second and 200 at once. What exceeds it is counted, and one `Suppressed` line follows.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
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

  std::array<Bucket, kEventTypes> buckets_{};
  std::deque<Event> events_;
  std::uint64_t last_id_ = 0;
  std::uint64_t suppressed_ = 0;
  Sink sink_;
};

}  // namespace fw::engine
