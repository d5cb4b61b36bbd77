// SPDX-License-Identifier: MIT
// `floodwall top`: what goes on, live on a terminal, or one frame of it as text or JSON.
#pragma once

#include <chrono>
#include <iosfwd>

#include "base/error.hpp"
#include "top/asker.hpp"

namespace fw::top {

inline constexpr std::chrono::milliseconds kLeastInterval{200}, kMostInterval{60'000};

struct Options {
  std::chrono::milliseconds interval{1000};  // kLeastInterval..kMostInterval
  std::size_t columns = 100;                 // of a frame as text
  bool colour = true;
};

// One frame as text, without colours. Errors are those of `ask`.
[[nodiscard]] Result<void> print_frame(const Ask& ask, const Options& options, std::ostream& out);
// The replies that a frame is made from, by their names.
[[nodiscard]] Result<nlohmann::json> frame_as_json(const Ask& ask);

// Takes standard input and output, which must be terminals, until q or a signal ends it. A daemon
// that does not answer is asked again and again; one that refuses this caller ends it. False,
// having done nothing: the terminal cannot place its cursor (TERM).
[[nodiscard]] Result<bool> show_live(const Ask& ask, const Options& options);

}  // namespace fw::top
