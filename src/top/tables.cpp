// SPDX-License-Identifier: MIT
// The parts that are tables: classes and their budgets, signatures, sources.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/units.hpp"
#include "top/parts.hpp"
#include "top/table.hpp"

namespace fw::top {
namespace {

constexpr std::size_t kBar = 8, kLeastSpark = 10, kMostSpark = 60;

bool has_load(const View& view, const ClassRow& row) {
  return row.in != 0 || row.used != 0 || row.refused != 0 ||
         std::ranges::any_of(view.history.of(row.name), [](std::uint64_t pps) { return pps != 0; });
}

double share_of(const ClassRow& row) {
  return row.budget && *row.budget != 0
             ? static_cast<double>(row.used) / static_cast<double>(*row.budget)
             : 0;
}

// In the daemon's order, those with most that was refused, then with most that arrives.
std::vector<const ClassRow*> chosen(const View& view, const Frame& frame, std::size_t rows) {
  std::vector<const ClassRow*> all;
  for (const ClassRow& row : frame.classes)
    if (has_load(view, row)) all.push_back(&row);
  if (all.size() <= rows) return all;
  std::ranges::stable_sort(all, std::greater<>(),
                           [](const ClassRow* row) { return std::pair(row->refused, row->in); });
  all.resize(rows);
  std::ranges::sort(all, std::less<>());  // their place in frame.classes
  return all;
}

std::string rate_of(const Source& source) {
  if (source.bytes_per_s != 0 && source.pps == 0) return format_size(source.bytes_per_s) + "/s";
  return (source.surplus != 0 ? "<" : "") + grouped(source.pps);
}

}  // namespace

std::size_t class_rows(const View& view, const Frame& frame) {
  return chosen(view, frame, frame.classes.size()).size();
}

Lines classes(const View& view, const Frame& frame, const Shape& shape, std::size_t rows) {
  std::vector<Row> made;
  for (const ClassRow* row : chosen(view, frame, rows)) {
    const double share = share_of(*row);
    const std::string used =
        row->budget ? fmt::format("{} {:>3.0f}%", bar(share, kBar, shape.unicode), 100 * share)
                    : "";
    made.push_back(
        {.cells = {row->name, grouped(row->in), grouped(row->unverified),
                   row->budget ? grouped(*row->budget) : "none", used, grouped(row->refused), ""},
         .ink = row->refused != 0 ? Ink::bad : Ink::plain});
  }
  const std::vector<Column> columns{
      {"CLASS"},          {"IN/S", true},        {"UNVERIFIED/S", true, 1}, {"BUDGET/S", true, 3},
      {"USED", false, 4}, {"REFUSED/S", true, 5}};
  // The sparklines take what the rest leaves.
  std::size_t rest = 0;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::size_t wide = columns[i].name.size();
    for (const Row& row : made) wide = std::max(wide, columns_of(row.cells[i]));
    if (i != 2) rest += wide + 2;
  }
  const std::size_t spark =
      std::clamp(shape.columns > rest ? shape.columns - rest : 0, kLeastSpark, kMostSpark);
  const std::vector<const ClassRow*> order = chosen(view, frame, rows);
  for (std::size_t i = 0; i < made.size(); ++i)
    made[i].cells.back() = sparkline(view.history.of(order[i]->name), spark, shape.unicode);
  std::vector<Column> all = columns;
  all.push_back({"EACH SECOND", false, 2});
  return table(std::move(all), std::move(made), shape.columns, shape.unicode);
}

Lines signatures(const Frame& frame, const Shape& shape, std::size_t rows) {
  std::vector<Row> made;
  for (const Signature& signature : frame.signatures) {
    if (made.size() == rows) break;
    made.push_back(
        {.cells = {signature.id, grouped(signature.packets), signature.idle, signature.match}});
  }
  return table({{"SIGNATURE"}, {"PACKETS", true, 2}, {"IDLE", true, 1}, {"MATCHES"}},
               std::move(made), shape.columns, shape.unicode);
}

Lines sources(const View& view, const Frame& frame, const Shape& shape, std::size_t rows) {
  const std::vector<Source>& all = view.rows();
  const char* const name = view.prefixes ? "PREFIX" : "SOURCE";
  std::vector<Row> made;
  const std::size_t selected = view.selected_row();
  const std::size_t first = selected < rows ? 0 : selected + 1 - rows;
  for (std::size_t i = first; i < std::min(all.size(), first + rows); ++i) {
    const Source& source = all[i];
    made.push_back({.cells = {source.address, rate_of(source), grouped(source.dropped),
                              source.share, source.word, source.port},
                    .ink = source.dropped != 0 ? Ink::bad : Ink::plain,
                    .selected = shape.is_live() && i == selected});
  }
  Lines lines = table({{name},
                       {frame.by_dropped ? "PACKETS/S" : "PACKETS/S *", true, 4},
                       {frame.observing    ? "WOULD DROP/S"
                        : frame.by_dropped ? "DROPPED/S *"
                                           : "DROPPED/S",
                        true, 5},
                       {"SHARE", true, 2},
                       {"IS", false, 3},
                       {"TO", false, 1}},
                      std::move(made), shape.columns, shape.unicode);
  if (all.empty()) {
    const char* const what = view.prefixes ? "no prefix" : "no source";
    lines.push_back(cut({{fmt::format("{} stands out: none has 0.2 % of the packets{}", what,
                                      frame.by_dropped ? ", or nothing is dropped" : ""),
                          Ink::faint}},
                        shape.columns, shape.unicode));
  }
  return lines;
}

}  // namespace fw::top
