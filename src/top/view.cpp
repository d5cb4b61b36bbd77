// SPDX-License-Identifier: MIT
#include "top/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fw::top {
namespace {

constexpr const char* kAWhile = "1h";  // as the daemon advises: list sources, `command`

std::optional<Order> order_of(int key, const std::string& address) {
  switch (key) {
    case 'b':
      return Order{.verb = "ban", .address = address, .duration = kAWhile};
    case 'B':
      return Order{.verb = "ban", .address = address, .duration = ""};
    case 'u':
      return Order{.verb = "unban", .address = address, .duration = ""};
    case 'a':
      return Order{.verb = "allow", .address = address, .duration = kAWhile};
    case 'A':
      return Order{.verb = "allow", .address = address, .duration = ""};
    default:
      return std::nullopt;
  }
}

// A message of several lines as one.
std::string in_one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return shown(text);
}

void move(View& view, std::ptrdiff_t by) {
  const auto& rows = view.rows();
  if (rows.empty()) return;
  const auto last = static_cast<std::ptrdiff_t>(rows.size()) - 1;
  const auto row = static_cast<std::ptrdiff_t>(view.selected_row());
  view.selected =
      rows[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(row + by, 0, last))].address;
}

Wish answer(View& view, int key) {
  const Order order = *std::exchange(view.asked, std::nullopt);
  if (key != 'y' && key != 'Y') {
    view.message = "nothing was done";
    view.message_is_bad = false;
    return Wish::nothing;
  }
  view.under_way = order;
  return Wish::order;
}

Wish ask_about(View& view, int key) {
  const auto& rows = view.rows();
  view.message_is_bad = true;
  if (rows.empty()) {
    view.message = view.frame ? "there is nobody to choose" : "nobody answers: nothing was done";
    return Wish::nothing;
  }
  view.selected = rows[view.selected_row()].address;  // it stays, whoever becomes the first
  view.asked = order_of(key, view.selected);
  return Wish::nothing;
}

}  // namespace

std::string sentence(const Order& order) {
  if (order.verb == "unban") return "unban " + order.address;
  const std::string end = !order.duration.empty() ? " for " + order.duration
                          : order.verb == "ban"   ? " until it is unbanned"
                                                  : " for good, in allow.list";
  return fmt::format("{} {}{}", order.verb, order.address, end);
}

const std::vector<Source>& View::rows() const {
  static const std::vector<Source> none;
  if (!frame) return none;
  return prefixes ? frame->prefixes : frame->sources;
}

std::size_t View::selected_row() const {
  const auto found = std::ranges::find(rows(), selected, &Source::address);
  return found == rows().end() ? 0 : static_cast<std::size_t>(found - rows().begin());
}

Wish press(View& view, int key, std::size_t page) {
  if (key == kNoKey || key == kResized) return Wish::nothing;
  if (view.asked) return answer(view, key);
  if (!view.under_way) view.message.clear();
  const auto rows = static_cast<std::ptrdiff_t>(std::max<std::size_t>(page, 1));
  switch (key) {
    case 'q':
    case 'Q':
      return Wish::quit;
    case kUp:
    case 'k':
      move(view, -1);
      return Wish::nothing;
    case kDown:
    case 'j':
      move(view, 1);
      return Wish::nothing;
    case kPageUp:
      move(view, -rows);
      return Wish::nothing;
    case kPageDown:
    case ' ':
      move(view, rows);
      return Wish::nothing;
    case kFirst:
      move(view, -static_cast<std::ptrdiff_t>(view.rows().size()));
      return Wish::nothing;
    case kLast:
      move(view, static_cast<std::ptrdiff_t>(view.rows().size()));
      return Wish::nothing;
    case 'd':
      view.by_dropped = !view.by_dropped;
      return Wish::refresh;
    case 'p':
      view.prefixes = !view.prefixes;
      view.selected.clear();
      return Wish::nothing;
    case 'b':
    case 'B':
    case 'u':
    case 'a':
    case 'A':
      return view.under_way ? Wish::nothing : ask_about(view, key);
    default:
      return Wish::nothing;
  }
}

void take(View& view, Frame frame) {
  view.history.add(frame);
  view.frame = std::move(frame);
  view.trouble.clear();
  if (std::ranges::find(view.rows(), view.selected, &Source::address) == view.rows().end())
    view.selected.clear();
}

void take(View& view, const Error& error) {
  view.frame.reset();
  view.asked.reset();
  view.trouble = in_one_line(error.message);
}

void take_outcome(View& view, const Result<std::string>& outcome) {
  view.under_way.reset();
  view.message_is_bad = !outcome;
  view.message = outcome ? in_one_line(*outcome)
                         : (outcome.error().kind == ErrorKind::refused ? "refused: " : "failed: ") +
                               in_one_line(outcome.error().message);
}

}  // namespace fw::top
