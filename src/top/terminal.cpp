// SPDX-License-Identifier: MIT
#include "top/terminal.hpp"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

// Its functions as functions: macros named move, erase or timeout would hit our own names.
#define NCURSES_NOMACROS 1
#include <curses.h>

#include "top/can_draw.hpp"

namespace fw::top {
namespace {

constexpr short kGreen = 1, kRed = 2;
constexpr int kEscapeWaitMs = 100;  // judgement: how long the rest of an arrow key takes

std::string_view terminal_name() {
  const char* name = std::getenv("TERM");
  return name == nullptr ? "" : name;
}

int attributes_of(Ink ink, bool colour) {
  switch (ink) {
    case Ink::plain:
      return A_NORMAL;
    case Ink::good:
      return colour ? COLOR_PAIR(kGreen) : A_NORMAL;
    case Ink::bad:
      return colour ? COLOR_PAIR(kRed) | A_BOLD : A_BOLD;
    case Ink::strong:
      return A_BOLD;
    case Ink::faint:
      return colour ? A_DIM : A_NORMAL;
    case Ink::selected:
      return A_REVERSE;
  }
  return A_NORMAL;
}

}  // namespace

bool shows_unicode() {
  if (std::setlocale(LC_CTYPE, "") == nullptr) return false;
  const std::string_view name = terminal_name();
  // The fonts of these have no blocks.
  if (name.starts_with("vt") || name == "linux" || name == "dumb") return false;
  return std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
}

struct Terminal::Handle {
  SCREEN* screen = nullptr;
  bool colour = false;
};

std::unique_ptr<Terminal> Terminal::open(bool colour) {
  if (!can_draw()) return nullptr;
  auto handle = std::make_unique<Handle>();
  ::set_escdelay(kEscapeWaitMs);
  handle->screen = ::newterm(nullptr, stdout, stdin);
  if (handle->screen == nullptr) return nullptr;
  ::set_term(handle->screen);
  ::cbreak();
  ::noecho();
  ::nonl();
  ::keypad(::stdscr, TRUE);
  ::nodelay(::stdscr, TRUE);
  ::curs_set(0);
  handle->colour = colour && ::has_colors();
  if (handle->colour) {
    ::start_color();
    ::use_default_colors();
    ::init_pair(kGreen, COLOR_GREEN, -1);
    ::init_pair(kRed, COLOR_RED, -1);
  }
  return std::unique_ptr<Terminal>(new Terminal(std::move(handle)));
}

Terminal::Terminal(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}

Terminal::~Terminal() {
  ::endwin();
  ::delscreen(handle_->screen);
}

Shape Terminal::shape(bool unicode) const {
  const int rows = ::getmaxy(::stdscr), columns = ::getmaxx(::stdscr);
  return {.columns = static_cast<std::size_t>(columns > 0 ? columns : 1),
          .rows = static_cast<std::size_t>(rows > 0 ? rows : 1),
          .unicode = unicode};
}

void Terminal::draw(const Screen& screen) {
  ::werase(::stdscr);
  int y = 0;
  for (const Line& line : screen.lines) {
    ::wmove(::stdscr, y++, 0);
    for (const Piece& piece : line) {
      ::wattrset(::stdscr, attributes_of(piece.ink, handle_->colour));
      ::waddnstr(::stdscr, piece.text.c_str(), static_cast<int>(piece.text.size()));
    }
  }
  ::wattrset(::stdscr, A_NORMAL);
  ::wrefresh(::stdscr);
}

int Terminal::key() {
  constexpr std::array<std::pair<int, int>, 6> kKeys{{{KEY_UP, kUp},
                                                      {KEY_DOWN, kDown},
                                                      {KEY_PPAGE, kPageUp},
                                                      {KEY_NPAGE, kPageDown},
                                                      {KEY_HOME, kFirst},
                                                      {KEY_END, kLast}}};
  const int pressed = ::wgetch(::stdscr);
  if (pressed == ERR) return kNoKey;
  for (const auto& [theirs, ours] : kKeys)
    if (pressed == theirs) return ours;
  return pressed < KEY_MIN ? pressed : kResized;
}

void Terminal::resize() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row != 0 && size.ws_col != 0)
    ::resizeterm(size.ws_row, size.ws_col);
  ::clearok(::stdscr, TRUE);
}

}  // namespace fw::top
