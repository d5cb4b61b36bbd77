// SPDX-License-Identifier: MIT
// A table of at most so many columns of text: where there is no room for all of it, the column that
// matters least goes first.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "top/screen.hpp"

namespace fw::top {

struct Column {
  std::string_view name;
  bool right = false;  // numbers
  unsigned worth = 0;  // the lowest goes first; 0 never goes
};

struct Row {
  std::vector<std::string> cells;  // as many as there are columns
  Ink ink = Ink::plain;
  bool selected = false;
};

// The first line is the header. A selected row is as wide as the terminal.
[[nodiscard]] Lines table(std::vector<Column> columns, std::vector<Row> rows, std::size_t width,
                          bool unicode);

}  // namespace fw::top
