// SPDX-License-Identifier: MIT
// What a fuzz target holds true of every input; a failure is a crash, which libFuzzer keeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace fw::test {

inline void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace fw::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
