// SPDX-License-Identifier: MIT
// The view between frames: what is selected, which order waits for a yes, what was said last, and
// what each key does to that. Knows neither the terminal nor the daemon.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "top/frame.hpp"
#include "top/history.hpp"

namespace fw::top {

// Keys that have no character; a character is its own number.
enum Key : int {
  kNoKey = 0,
  kEscape = 27,
  kUp = 0x110000,
  kDown,
  kPageUp,
  kPageDown,
  kFirst,
  kLast,
  kResized,
};

// To the daemon, about one address or prefix.
struct Order {
  std::string verb;      // ban, unban, allow
  std::string address;   // as the daemon named it
  std::string duration;  // empty: without an end
};
// "ban 198.51.100.7 for 1h"
[[nodiscard]] std::string sentence(const Order& order);

struct View {
  std::optional<Frame> frame;  // none: nobody answers
  std::string trouble;         // why, and what to type
  History history;
  std::string selected;  // the address; empty: the first
  bool by_dropped = true;
  bool prefixes = false;           // instead of sources
  std::optional<Order> asked;      // waits for a yes
  std::optional<Order> under_way;  // was sent to the daemon
  std::string message;             // what came of the last order
  bool message_is_bad = false;
  unsigned interval_ms = 1000;
  unsigned silent_s = 0;  // since the last answer

  [[nodiscard]] const std::vector<Source>& rows() const;
  // The index of the selected row, 0 if it is not among them any more.
  [[nodiscard]] std::size_t selected_row() const;
};

enum class Wish : std::uint8_t { nothing, quit, refresh, order };
// Takes a key in. After Wish::order `under_way` is what to send. A page has `page` rows.
[[nodiscard]] Wish press(View& view, int key, std::size_t page);

// Takes a reply in, or why there is none. The selected source stays selected.
void take(View& view, Frame frame);
void take(View& view, const Error& error);
// What came of the order that was under way: the daemon's words.
void take_outcome(View& view, const Result<std::string>& outcome);

}  // namespace fw::top
