// SPDX-License-Identifier: MIT
// Colour and the layout of tables.
#include "cli/style.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/terminal_text.hpp"

namespace fw::cli {

namespace {

constexpr std::string_view kGap = "  ";

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;  // the 2nd and later bytes in UTF-8
}

std::string_view code_of(Ink colour) {
  switch (colour) {
    case Ink::good:
      return "\033[32m";
    case Ink::bad:
      return "\033[1;31m";
    case Ink::strong:
      return "\033[1m";
    case Ink::faint:
      return "\033[2m";
  }
  return "";
}

std::string cut(std::string text, unsigned limit) {
  if (limit < 2 || columns_of(text) <= limit) return text;
  std::size_t columns = 0, end = 0;
  while (end < text.size() && (continues(text[end]) || columns + 1 < limit))
    columns += continues(text[end++]) ? 0 : 1;
  return text.substr(0, end) + "…";
}

}  // namespace

std::string ink(const Style& style, Ink colour, std::string_view text) {
  if (!style.colour) return std::string(text);
  return fmt::format("{}{}\033[0m", code_of(colour), text);
}

std::size_t columns_of(std::string_view text) {
  return text.size() - static_cast<std::size_t>(std::ranges::count_if(text, continues));
}

std::string wrapped(std::string_view text, const Style& style, unsigned indent) {
  if (style.width < 2 * indent + 2) return std::string(text) + "\n";
  std::string out, line;
  std::size_t columns = 0;
  // Of a word without what colours it.
  const auto visible = [](std::string_view word) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < word.size(); ++i) {
      if (word[i] != '\033')
        count += continues(word[i]) ? 0 : 1;
      else
        i = std::min(word.find('m', i), word.size());
    }
    return count;
  };
  while (!text.empty()) {
    const std::size_t blanks = std::min(text.find_first_not_of(' '), text.size());
    const std::string_view word = text.substr(0, std::min(text.find(' ', blanks), text.size()));
    text.remove_prefix(word.size());
    if (columns != 0 && columns + visible(word) > style.width && columns > indent) {
      out += line + "\n";
      line = std::string(indent, ' ') + std::string(word.substr(blanks));
      columns = indent + visible(word.substr(blanks));
    } else {
      line += word;
      columns += visible(word);
    }
  }
  return out + line + "\n";
}

void TextTable::row(std::vector<std::string> cells) {
  assert(cells.size() == columns_.size());
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string TextTable::line(const std::vector<std::string>& cells,
                            const std::vector<std::size_t>& widths, unsigned limit) const {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (widths[i] == 0) continue;
    const std::string pad(widths[i] - columns_of(cells[i]), ' ');
    if (!text.empty()) text += kGap;
    text += columns_[i].right ? pad + cells[i] : cells[i] + pad;
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return cut(std::move(text), limit);
}

std::string TextTable::text(const Style& style) const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto& cells : rows_)
    for (std::size_t i = 0; i < cells.size(); ++i)
      widths[i] = std::max(widths[i], columns_of(cells[i]));
  std::vector<std::string> header;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    header.emplace_back(columns_[i].name);
    if (widths[i] != 0) widths[i] = std::max(widths[i], columns_[i].name.size());
  }
  std::string text = ink(style, Ink::strong, line(header, widths, style.width)) + "\n";
  for (const auto& cells : rows_) text += line(cells, widths, style.width) + "\n";
  return text;
}

}  // namespace fw::cli
