// SPDX-License-Identifier: MIT
// The parts of the view, each as lines of at most shape.columns. `frame` is the view's.
#pragma once

#include <cstddef>

#include "top/screen.hpp"
#include "top/view.hpp"

namespace fw::top {

// Mode, datapath, interfaces; and nothing else where nobody answers.
[[nodiscard]] Line head(const View& view, const Shape& shape);
// In, passed and dropped: with a sparkline each, or all in one line.
[[nodiscard]] Lines rates(const View& view, const Frame& frame, const Shape& shape);
[[nodiscard]] Line rates_in_short(const Frame& frame, const Shape& shape);
// The first line says whether there is one, the others are its vectors.
[[nodiscard]] Lines attack(const Frame& frame, const Shape& shape);
[[nodiscard]] Lines problems(const Frame& frame, const Shape& shape);
// Tables. They show at most `rows` rows; classes those with most load, sources those around the
// selected one.
[[nodiscard]] std::size_t class_rows(const View& view, const Frame& frame);
[[nodiscard]] Lines classes(const View& view, const Frame& frame, const Shape& shape,
                            std::size_t rows);
[[nodiscard]] Lines signatures(const Frame& frame, const Shape& shape, std::size_t rows);
[[nodiscard]] Lines sources(const View& view, const Frame& frame, const Shape& shape,
                            std::size_t rows);
// Why nobody answers.
[[nodiscard]] Lines trouble(const View& view, const Shape& shape);
// The question or the message, then the keys.
[[nodiscard]] Lines foot(const View& view, const Shape& shape);

}  // namespace fw::top
