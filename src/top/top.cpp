// SPDX-License-Identifier: MIT
#include "top/top.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <utility>

#include "top/layout.hpp"
#include "top/signals.hpp"
#include "top/terminal.hpp"

namespace fw::top {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLate{1};

struct Live {
  explicit Live(Asker& answering) : asker(answering) {}

  View view;
  Asker& asker;
  std::size_t page = 1;
  Clock::time_point answered = Clock::now();
  std::optional<Error> fatal;
  bool ended = false;

  void take_answers();
  void press_key(int key);
};

void Live::take_answers() {
  for (Asker::Answer& answer : asker.take()) {
    answered = Clock::now();
    if (auto* const outcome = std::get_if<Result<std::string>>(&answer)) {
      take_outcome(view, *outcome);
      asker.ask_for_frame(view.by_dropped);
      continue;
    }
    Result<Frame>& frame = std::get<Result<Frame>>(answer);
    if (frame) {
      take(view, std::move(*frame));
    } else if (frame.error().kind == ErrorKind::not_permitted) {
      fatal = std::move(frame).error();
      ended = true;
    } else {
      take(view, frame.error());
    }
  }
}

void Live::press_key(int key) {
  switch (press(view, key, page)) {
    case Wish::quit:
      ended = true;
      break;
    case Wish::refresh:
      asker.ask_for_frame(view.by_dropped);
      break;
    case Wish::order:
      asker.ask_for(*view.under_way);
      break;
    case Wish::nothing:
      break;
  }
}

int milliseconds_until(Clock::time_point due) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, kMostInterval.count()));
}

}  // namespace

Result<void> print_frame(const Ask& ask, const Options& options, std::ostream& out) {
  const auto replies = ask_frame(ask, true);
  if (!replies) return std::unexpected(replies.error());
  View view;
  take(view, read_frame(replies->status, replies->sources, replies->signatures));
  const Shape shape{.columns = options.columns, .rows = 0, .unicode = shows_unicode()};
  for (const Line& line : layout(view, shape).lines) {
    std::string text;
    for (const Piece& piece : line) text += piece.text;
    text.erase(text.find_last_not_of(' ') + 1);
    out << text << "\n";
  }
  return {};
}

Result<nlohmann::json> frame_as_json(const Ask& ask) {
  auto replies = ask_frame(ask, true);
  if (!replies) return std::unexpected(std::move(replies).error());
  return nlohmann::json{{"status", std::move(replies->status)},
                        {"sources", std::move(replies->sources)},
                        {"signatures", std::move(replies->signatures)}};
}

Result<bool> show_live(const Ask& ask, const Options& options) {
  const bool unicode = shows_unicode();
  // In this order: signals are held back before anything of the terminal changes, and still are
  // when it is put back.
  const auto signals = Signals::open();
  if (!signals) return std::unexpected(signals.error());
  const auto asker = Asker::open(ask);
  if (!asker) return std::unexpected(asker.error());
  const auto terminal = Terminal::open(options.colour);
  if (!terminal) return false;
  Live live(**asker);
  live.view.interval_ms = static_cast<unsigned>(options.interval.count());
  Clock::time_point due = Clock::now();
  while (!live.ended) {
    if (Clock::now() >= due) {
      live.asker.ask_for_frame(live.view.by_dropped);
      due = Clock::now() + options.interval;
    }
    // An answer is late only when it missed the next question and a second.
    const auto silent = std::chrono::floor<std::chrono::seconds>(Clock::now() - live.answered);
    live.view.silent_s =
        silent > options.interval + kLate ? static_cast<unsigned>(silent.count()) : 0;
    const Screen screen = layout(live.view, terminal->shape(unicode));
    live.page = screen.page;
    terminal->draw(screen);
    std::array<pollfd, 3> watched{
        {{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
         {.fd = signals->descriptor(), .events = POLLIN, .revents = 0},
         {.fd = live.asker.descriptor(), .events = POLLIN, .revents = 0}}};
    if (::poll(watched.data(), watched.size(), milliseconds_until(due)) < 0) continue;
    if ((watched[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) break;  // the terminal has gone
    const Signals::Came came = signals->take();
    if (came.end) break;
    if (came.resized) terminal->resize();
    for (int key = terminal->key(); key != kNoKey && !live.ended; key = terminal->key())
      live.press_key(key);
    live.take_answers();
  }
  if (live.fatal) return std::unexpected(*live.fatal);
  return true;
}

}  // namespace fw::top
