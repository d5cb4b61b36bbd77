// SPDX-License-Identifier: MIT
// "did you mean": the known word that is nearest to a mistyped one.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fw {

// How many letters must be changed, added, left out or swapped with their neighbour to turn `a`
// into `b` (the optimal string alignment distance: Levenshtein's with transpositions).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// The word of `known` that `word` was most likely meant to be: the one at the smallest edit
// distance, or one that `word` begins. Empty if none is within a third of the letters (at least
// one letter).
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> known);

// ": did you mean \"ban\"?", or nothing if none is near.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       std::span<const std::string_view> known);

// The names of a table's entries (verbs, options), for the two above.
template <typename Table>
[[nodiscard]] std::vector<std::string_view> names_of(const Table& table) {
  std::vector<std::string_view> names;
  names.reserve(table.size());
  for (const auto& entry : table) names.push_back(entry.name);
  return names;
}

}  // namespace fw
