// SPDX-License-Identifier: MIT
// "did you mean": the known word that a mistyped one is nearest to.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fw::control {

// The word of `known` that `word` most likely meant, by the number of letters that were added, left
// out, mistaken or swapped; empty if none is near (a third of the letters, at least one).
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

}  // namespace fw::control
