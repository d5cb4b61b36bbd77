// SPDX-License-Identifier: MIT
#include "top/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <limits>
#include <utility>

#include "top/parts.hpp"

namespace fw::top {
namespace {

// The parts between the head and the foot, from top to bottom.
enum Part : std::uint8_t { kRates, kAttack, kProblems, kClasses, kSignatures, kSources, kParts };
using Counts = std::array<std::size_t, kParts>;

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
constexpr bool is_table(std::size_t part) {
  return part >= kClasses;
}

// Who gets lines: first what is needed least, in the order of its worth; then more of it.
struct Grant {
  Part part;
  std::size_t up_to;
};
constexpr std::array kGrants{
    Grant{kRates, 1},         Grant{kAttack, 1},     Grant{kSources, 3},    Grant{kProblems, 1},
    Grant{kAttack, 3},        Grant{kClasses, 3},    Grant{kRates, 3},      Grant{kSources, 6},
    Grant{kClasses, 6},       Grant{kSignatures, 3}, Grant{kProblems, 3},   Grant{kClasses, kAll},
    Grant{kAttack, 6},        Grant{kSignatures, 6}, Grant{kSources, kAll}, Grant{kAttack, kAll},
    Grant{kSignatures, kAll}, Grant{kProblems, kAll}};

Counts granted(const Counts& wanted, std::size_t room) {
  Counts given{};
  for (const Grant& grant : kGrants) {
    const std::size_t target = std::min(grant.up_to, wanted[grant.part]);
    if (target <= given[grant.part]) continue;
    std::size_t more = std::min(room, target - given[grant.part]);
    // Half of the rates, or the header of a table, says nothing.
    if (grant.part == kRates && given[kRates] + more == 2) more = 0;
    if (is_table(grant.part) && given[grant.part] + more == 1) more = 0;
    given[grant.part] += more;
    room -= more;
  }
  return given;
}

// The last of `count` lines says how many are not shown.
Lines first_of(Lines lines, std::size_t count, const Shape& shape) {
  if (lines.size() <= count || count < 2) {
    lines.resize(std::min(lines.size(), count));
    return lines;
  }
  const std::size_t hidden = lines.size() - count + 1;
  lines.resize(count - 1);
  lines.push_back(
      cut({{fmt::format("  and {} more", hidden), Ink::faint}}, shape.columns, shape.unicode));
  return lines;
}

void append(Lines& to, Lines lines) {
  std::ranges::move(lines, std::back_inserter(to));
}

void append_frame(const View& view, const Shape& shape, std::size_t room, Screen& screen) {
  const Frame& frame = *view.frame;
  Lines attack_lines = attack(frame, shape), problem_lines = problems(frame, shape);
  const std::size_t active = class_rows(view, frame);
  const Counts wanted{3,
                      attack_lines.size(),
                      problem_lines.size(),
                      active == 0 ? 0 : active + 1,
                      frame.signatures.empty() ? 0 : frame.signatures.size() + 1,
                      std::max<std::size_t>(view.rows().size(), 1) + 1};
  const Counts given = granted(wanted, room);
  Lines& lines = screen.lines;
  if (given[kRates] == 1) lines.push_back(rates_in_short(frame, shape));
  if (given[kRates] == 3) append(lines, rates(view, frame, shape));
  append(lines, first_of(std::move(attack_lines), given[kAttack], shape));
  append(lines, first_of(std::move(problem_lines), given[kProblems], shape));
  // Air between the parts of one frame as text.
  const auto part = [&](Lines table) {
    if (!shape.is_live()) lines.emplace_back();
    append(lines, std::move(table));
  };
  if (given[kClasses] != 0) part(classes(view, frame, shape, given[kClasses] - 1));
  if (given[kSignatures] != 0) part(signatures(frame, shape, given[kSignatures] - 1));
  if (given[kSources] != 0) part(sources(view, frame, shape, given[kSources] - 1));
  screen.page = std::max<std::size_t>(given[kSources], 2) - 1;
}

}  // namespace

Screen layout(const View& view, const Shape& shape) {
  Screen screen;
  if (shape.columns == 0) return screen;
  Lines below = shape.is_live() ? foot(view, shape) : Lines{};
  std::size_t room = kAll / 2;
  if (shape.is_live()) {
    if (below.size() > shape.rows)
      below.erase(below.begin() + static_cast<std::ptrdiff_t>(shape.rows), below.end());
    room = shape.rows - below.size();
  }
  if (room != 0) {
    screen.lines.push_back(head(view, shape));
    if (view.frame)
      append_frame(view, shape, room - 1, screen);
    else
      append(screen.lines, first_of(trouble(view, shape), room - 1, shape));
  }
  if (shape.is_live()) screen.lines.resize(shape.rows - below.size());
  append(screen.lines, std::move(below));
  if (!shape.unicode)
    for (Line& line : screen.lines)
      for (Piece& piece : line) piece.text = ascii(piece.text);
  return screen;
}

}  // namespace fw::top
