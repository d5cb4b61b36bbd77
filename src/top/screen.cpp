// SPDX-License-Identifier: MIT
#include "top/screen.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace fw::top {
namespace {

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;  // the 2nd and later bytes in UTF-8
}

// The bytes of the first `columns` code points.
std::size_t bytes_of(std::string_view text, std::size_t columns) {
  std::size_t end = 0;
  while (end < text.size() && (continues(text[end]) || columns > 0))
    columns -= continues(text[end++]) ? 0 : 1;
  return end;
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  return text.size() - static_cast<std::size_t>(std::ranges::count_if(text, continues));
}

std::size_t columns_of(const Line& line) {
  std::size_t columns = 0;
  for (const Piece& piece : line) columns += columns_of(piece.text);
  return columns;
}

Line cut(Line line, std::size_t columns, bool unicode) {
  if (columns_of(line) <= columns) return line;
  Line out;
  std::size_t left = columns == 0 ? 0 : columns - 1;
  for (Piece& piece : line) {
    const std::size_t wide = columns_of(piece.text);
    if (wide > left) piece.text.resize(bytes_of(piece.text, left));
    left -= std::min(wide, left);
    out.push_back(std::move(piece));
    if (left == 0) break;
  }
  if (columns != 0) out.push_back({unicode ? "…" : ">", out.empty() ? Ink::plain : out.back().ink});
  return out;
}

std::vector<std::string> broken(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines;
  columns = std::max<std::size_t>(columns, 1);
  while (columns_of(text) > columns) {
    const std::size_t fits = bytes_of(text, columns);
    const std::size_t blank = text[fits] == ' ' ? fits : text.rfind(' ', fits);
    const std::size_t end = blank == std::string_view::npos || blank == 0 ? fits : blank;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  if (!text.empty() || lines.empty()) lines.emplace_back(text);
  return lines;
}

std::string ascii(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (!continues(c)) out += static_cast<unsigned char>(c) < 0x80 ? c : '?';
  return out;
}

std::string sparkline(const std::vector<std::uint64_t>& values, std::size_t columns, bool unicode) {
  // The first is for nothing at all, the others for parts of the highest.
  constexpr std::array<std::string_view, 9> kBlocks{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr std::array<std::string_view, 9> kAscii{" ", ".", ".", ":", "-", "=", "+", "*", "#"};
  const auto& marks = unicode ? kBlocks : kAscii;
  const std::size_t taken = std::min(columns, values.size());
  if (taken == 0) return std::string(columns, ' ');
  const auto first = values.end() - static_cast<std::ptrdiff_t>(taken);
  const auto highest =
      static_cast<double>(std::max<std::uint64_t>(1, *std::max_element(first, values.end())));
  std::string out(columns - taken, ' ');
  for (auto value = first; value != values.end(); ++value) {
    const double share = static_cast<double>(*value) / highest;
    out += marks.at(static_cast<std::size_t>(std::ceil(share * 8)));
  }
  return out;
}

std::string bar(double share, std::size_t columns, bool unicode) {
  const double full = std::clamp(share, 0.0, 1.0) * static_cast<double>(columns);
  const auto filled = static_cast<std::size_t>(std::ceil(full));
  std::string out;
  for (std::size_t i = 0; i < columns; ++i)
    out += i < filled ? (unicode ? "█" : "#") : (unicode ? "░" : ".");
  return out;
}

}  // namespace fw::top
