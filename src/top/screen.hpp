// SPDX-License-Identifier: MIT
// Lines of text as a terminal shows them: pieces, each in one ink. Neither colours nor escapes are
// in the text; terminal.hpp makes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fw::top {

enum class Ink : std::uint8_t { plain, good, bad, strong, faint, selected };

struct Piece {
  std::string text;  // UTF-8, a column for each code point
  Ink ink = Ink::plain;
};
using Line = std::vector<Piece>;
using Lines = std::vector<Line>;

// What the lines have to fit.
struct Shape {
  std::size_t columns = 80;
  std::size_t rows = 24;  // 0: as many as there is to say, for one frame as text
  bool unicode = true;    // else ASCII alone

  // Whether keys, a selection and messages are shown.
  [[nodiscard]] bool is_live() const { return rows != 0; }
};

// The columns that it takes.
[[nodiscard]] std::size_t columns_of(std::string_view text);
[[nodiscard]] std::size_t columns_of(const Line& line);

// At most `columns` of it; a mark ("…", or ">" in ASCII) is the last of them if something is lost.
[[nodiscard]] Line cut(Line line, std::size_t columns, bool unicode);
// Broken between words (a longer word: within it) into lines of at most `columns`.
[[nodiscard]] std::vector<std::string> broken(std::string_view text, std::size_t columns);
// What is not ASCII as a question mark.
[[nodiscard]] std::string ascii(std::string_view text);

// One character for each of the last `columns` values, from nothing to the highest of them.
[[nodiscard]] std::string sparkline(const std::vector<std::uint64_t>& values, std::size_t columns,
                                    bool unicode);
// A bar of `columns`; `share` above 1 is a full one.
[[nodiscard]] std::string bar(double share, std::size_t columns, bool unicode);

}  // namespace fw::top
