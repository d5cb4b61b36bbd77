// SPDX-License-Identifier: MIT
// In a file of its own: <term.h> makes macros of words such as lines and columns.
#include "top/can_draw.hpp"

#include <unistd.h>

#define NCURSES_NOMACROS 1
#include <curses.h>
#include <term.h>

#include <cstdlib>

namespace fw::top {

bool can_draw() {
  const char* const name = std::getenv("TERM");
  int error = 0;
  if (name == nullptr || *name == '\0' || ::setupterm(nullptr, STDOUT_FILENO, &error) != OK)
    return false;
  char capability[] = "cup";
  const char* const place = ::tigetstr(capability);
  const bool able = place != nullptr && place != reinterpret_cast<char*>(-1);
  ::del_curterm(::cur_term);
  return able;
}

}  // namespace fw::top
