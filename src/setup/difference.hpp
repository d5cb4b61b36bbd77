// SPDX-License-Identifier: MIT
// What differs between two texts, line by line, for people.
#pragma once

#include <string>
#include <string_view>

namespace fw::setup {

// Each line of both, with "-" (only in `before`), "+" (only in `after`) or " " before it: the
// longest common subsequence stays. Of texts with very many lines only their numbers. Fit for a
// terminal.
[[nodiscard]] std::string difference(std::string_view before, std::string_view after);

}  // namespace fw::setup
