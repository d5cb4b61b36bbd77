// SPDX-License-Identifier: MIT
// Optimal string alignment distance over words of a few letters.
#include "control/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fw::control {

namespace {

constexpr std::size_t kLongestWord = 64;  // what is longer is no misspelt word of ours

std::size_t distance(std::string_view a, std::string_view b) {
  // Rows i-2, i-1 and i of the table of distances between beginnings of a and b.
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t mistaken = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, mistaken});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.empty() || word.size() > kLongestWord) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t d = distance(word, candidate);
    // A word that was only begun ("sig") means what it begins.
    const std::size_t counted = word.size() >= 2 && candidate.starts_with(word) ? 1 : d;
    if (counted < best_distance) {
      best = candidate;
      best_distance = counted;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view meant = nearest(word, known);
  return meant.empty() ? "" : fmt::format(": did you mean \"{}\"?", meant);
}

}  // namespace fw::control
