// SPDX-License-Identifier: MIT
// From what is known and the size of the terminal to lines. A pure function: the same view gives
// the same lines.
//
// Every part of the view first gets what it needs least, in the order of what an operator has to
// see (what is wrong, the attack, who does it), then more as long as there are lines.
#pragma once

#include <cstddef>

#include "top/screen.hpp"
#include "top/view.hpp"

namespace fw::top {

struct Screen {
  Lines lines;           // at most shape.rows, none wider than shape.columns
  std::size_t page = 1;  // how many sources it shows
};

[[nodiscard]] Screen layout(const View& view, const Shape& shape);

}  // namespace fw::top
