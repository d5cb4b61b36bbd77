// SPDX-License-Identifier: MIT
// The layout of text: colour and width of a terminal, neither of them in a pipe. Text from outside
// (comments, reasons, file names) goes through printable() before it reaches a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fw::cli {

struct Style {
  bool colour = false;
  unsigned width = 0;  // columns of the terminal; 0: lines as long as they are
};

enum class Ink { good, bad, strong, faint };

// `text` in a colour, or unchanged if the style has none.
[[nodiscard]] std::string ink(const Style& style, Ink colour, std::string_view text);

// The columns that `text` takes: one for each code point.
[[nodiscard]] std::size_t columns_of(std::string_view text);

// `text` and a line feed, broken between words where it is wider than the terminal; later lines are
// indented by `indent` columns. Colours take none.
[[nodiscard]] std::string wrapped(std::string_view text, const Style& style, unsigned indent);

struct Column {
  std::string_view name;
  bool right = false;  // numbers
};

// Rows under a header, with two spaces between the columns. A column that is empty in all rows is
// left out; a line longer than the terminal is cut.
class TextTable {
 public:
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // As many cells as there are columns; they are made printable.
  void row(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] std::string text(const Style& style) const;

 private:
  [[nodiscard]] std::string line(const std::vector<std::string>& cells,
                                 const std::vector<std::size_t>& widths, unsigned limit) const;
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace fw::cli
