// SPDX-License-Identifier: MIT
// Measures what a packet costs in the datapath, beside a bare XDP_DROP, a textbook program and
// xdp-filter.
//   packet_cost paths|scaling|cpus [rounds=N] [packets=N] [only=TEXT]
// TEXT is a part of "TABLE: ROW": only those rows are measured. Prints lines of JSON, see
// measure.hpp. Only BPF_PROG_RUN is used: nothing is attached.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <string_view>

#include "measure.hpp"

namespace {

int usage() {
  fmt::print(stderr, "usage: packet_cost paths|scaling|cpus [rounds=N] [packets=N] [only=TEXT]\n");
  return 2;
}

}  // namespace

int main(int count, char** arguments) {
  using namespace fw::bench;
  if (count < 2) return usage();
  Plan plan;
  for (int i = 2; i < count; i++) {
    const std::string_view word = arguments[i], digits = word.substr(word.find('=') + 1);
    if (word.starts_with("only=")) {
      plan.only = digits;
      continue;
    }
    unsigned value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (value == 0) return usage();
    if (word.starts_with("rounds="))
      plan.rounds = value;
    else if (word.starts_with("packets="))
      plan.packets = value;
    else
      return usage();
  }
  const std::string_view part = arguments[1];
  auto* const run = part == "paths"     ? measure_paths
                    : part == "scaling" ? measure_scaling
                    : part == "cpus"    ? measure_cpus
                                        : nullptr;
  if (run == nullptr) return usage();
  auto stage = Stage::open(plan);
  const auto done = stage ? run(*stage) : std::unexpected(stage.error());
  if (!done) fmt::print(stderr, "packet_cost: {}\n", done.error().message);
  return done ? 0 : 1;
}
