// SPDX-License-Identifier: MIT
// A random history of packets both ways, entries, lists, configurations and a clock that stands
// still, jumps and steps back, lived by both sides of a Pair.
#pragma once

#include "diff/pair.hpp"

namespace fw::test {

// The first difference, with the number of the frame it came at. All tables are compared every
// `check_every` frames and at the end.
[[nodiscard]] Difference live(Pair& pair, unsigned seed, std::size_t frames,
                              std::size_t check_every);

}  // namespace fw::test
