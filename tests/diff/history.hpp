// SPDX-License-Identifier: MIT
// A random history of packets both ways, entries, lists, configurations and a clock that stands
// still, jumps and steps back, given to both sides of a Pair.
#pragma once

#include "diff/pair.hpp"

namespace fw::test {

// Returns the first difference, with the number of its frame. All tables are compared every
// `check_every` frames and at the end.
[[nodiscard]] Difference run_history(Pair& pair, unsigned seed, std::size_t frames,
                                     std::size_t check_every);

}  // namespace fw::test
