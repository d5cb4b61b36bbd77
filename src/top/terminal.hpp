// SPDX-License-Identifier: MIT
// The terminal, by ncurses: it sends only what changed since the last screen. However the view
// ends, the terminal is as it was: the destructor sees to it, and signals that end the program are
// read (signals.hpp) and not obeyed on the spot. One at a time.
#pragma once

#include <memory>

#include "top/layout.hpp"
#include "top/screen.hpp"

namespace fw::top {

// Whether the characters of this terminal and of the locale go beyond ASCII. Sets the locale.
[[nodiscard]] bool shows_unicode();

class Terminal {
 public:
  // Null if the terminal of the environment (TERM) cannot place its cursor, or is not known.
  [[nodiscard]] static std::unique_ptr<Terminal> open(bool colour);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] Shape shape(bool unicode) const;
  void draw(const Screen& screen);
  // The next key that was pressed, kNoKey if there is none. Does not wait.
  [[nodiscard]] int key();
  // Takes over the size that the terminal has now.
  void resize();

 private:
  struct Handle;
  explicit Terminal(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

}  // namespace fw::top
