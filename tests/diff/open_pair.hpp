// SPDX-License-Identifier: MIT
// Opens the pair that a test compares, or skips the test where BPF programs may not be loaded.
// FLOODWALL_NO_SKIP=1 turns a skip into a failure; a program that the verifier refuses is always
// one.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>

#include <cstdlib>
#include <string>

#include "diff/pair.hpp"

namespace fw::test {

// Per-CPU tables are compared, so the whole test has to run on one CPU.
inline void stay_on_this_cpu() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(sched_getcpu(), &set);
  sched_setaffinity(0, sizeof set, &set);
}

inline bool may_not_skip(const char* variable = "FLOODWALL_NO_SKIP") {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' && std::string(value) != "0";
}

// The pair of one BPF object; null after a skip or a failure.
inline std::unique_ptr<Pair> open_pair(const std::string& object) {
  stay_on_this_cpu();
  auto kernel = KernelSide::open(std::string(OBJECTS) + object + ".bpf.o",
                                 datapath::TableSizes{Pair::kSizes});
  if (kernel) return std::make_unique<Pair>(std::move(*kernel));
  if (kernel.error().kind == ErrorKind::not_permitted && !may_not_skip())
    [&] { GTEST_SKIP() << kernel.error().message << ": needs root"; }();
  else
    ADD_FAILURE() << kernel.error().message;
  return nullptr;
}

}  // namespace fw::test
