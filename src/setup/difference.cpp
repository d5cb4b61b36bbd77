// SPDX-License-Identifier: MIT
#include "setup/difference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/terminal_text.hpp"

namespace fw::setup {

namespace {

constexpr std::size_t kMostLines = 1000;  // judgement: the table has as many squared

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return out;
}

}  // namespace

std::string difference(std::string_view before, std::string_view after) {
  const auto a = lines_of(before), b = lines_of(after);
  if (a.size() > kMostLines || b.size() > kMostLines)
    return fmt::format("{} lines become {} lines\n", a.size(), b.size());
  // common[i][j]: the longest common subsequence of a from i and b from j.
  std::vector<std::vector<std::size_t>> common(a.size() + 1,
                                               std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = a.size(); i-- > 0;)
    for (std::size_t j = b.size(); j-- > 0;)
      common[i][j] =
          a[i] == b[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
  std::string out;
  const auto add = [&out](char mark, std::string_view line) {
    out += fmt::format("{} {}\n", mark, printable(line));
  };
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      add(' ', a[i++]);
      ++j;
    } else if (j >= b.size() || (i < a.size() && common[i + 1][j] >= common[i][j + 1])) {
      add('-', a[i++]);
    } else {
      add('+', b[j++]);
    }
  }
  return out;
}

}  // namespace fw::setup
