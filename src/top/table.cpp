// SPDX-License-Identifier: MIT
#include "top/table.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace fw::top {
namespace {

constexpr std::string_view kGap = "  ";

std::vector<std::size_t> widths_of(const std::vector<Column>& columns,
                                   const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    widths.push_back(columns_of(columns[i].name));
    for (const Row& row : rows) widths.back() = std::max(widths.back(), columns_of(row.cells[i]));
  }
  return widths;
}

std::size_t sum_of(const std::vector<std::size_t>& widths) {
  std::size_t sum = 0;
  for (const std::size_t width : widths) sum += width + kGap.size();
  return sum == 0 ? 0 : sum - kGap.size();
}

std::string line_of(const std::vector<Column>& columns, const std::vector<std::size_t>& widths,
                    const auto& cell) {
  std::string text;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string_view given = cell(i);
    const std::string pad(widths[i] - columns_of(given), ' ');
    if (i != 0) text += kGap;
    text += columns[i].right ? pad : "";
    text += given;
    text += columns[i].right ? "" : pad;
  }
  return text;
}

}  // namespace

Lines table(std::vector<Column> columns, std::vector<Row> rows, std::size_t width, bool unicode) {
  for ([[maybe_unused]] const Row& row : rows) assert(row.cells.size() == columns.size());
  std::vector<std::size_t> widths = widths_of(columns, rows);
  while (sum_of(widths) > width) {
    auto least = columns.end();
    for (auto column = columns.begin(); column != columns.end(); ++column)
      if (column->worth != 0 && (least == columns.end() || column->worth < least->worth))
        least = column;
    if (least == columns.end()) break;
    const auto at = least - columns.begin();
    columns.erase(least);
    widths.erase(widths.begin() + at);
    for (Row& row : rows) row.cells.erase(row.cells.begin() + at);
  }
  Lines lines;
  const std::string header =
      line_of(columns, widths, [&](std::size_t i) { return columns[i].name; });
  lines.push_back(cut({{header, Ink::strong}}, width, unicode));
  for (const Row& row : rows) {
    std::string text =
        line_of(columns, widths, [&](std::size_t i) { return std::string_view(row.cells[i]); });
    const std::size_t wide = columns_of(text);
    if (row.selected && wide < width) text.append(width - wide, ' ');
    lines.push_back(
        cut({{std::move(text), row.selected ? Ink::selected : row.ink}}, width, unicode));
  }
  return lines;
}

}  // namespace fw::top
