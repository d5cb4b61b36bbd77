// SPDX-License-Identifier: MIT
// Part 4: the same work on one CPU and on all of them at once. Memory that every packet writes
// would show as a cost that rises with the number of CPUs.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <barrier>
#include <thread>

#include "measure.hpp"

namespace fw::bench {

namespace {

constexpr Sources kFree{.base = 0x0b000000, .count = 1U << 16};
constexpr Sources kOne{.base = 0x0c000000, .count = 1};
constexpr Sources kBanned{.base = 0xc0000000, .count = 1U << 8};
constexpr unsigned kMostCpus = 8;

std::vector<unsigned> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  (void)sched_getaffinity(0, sizeof set, &set);
  std::vector<unsigned> cpus;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE && cpus.size() < kMostCpus; cpu++)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

void stay_on(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  (void)sched_setaffinity(0, sizeof set, &set);
}

// The mean ns per packet of `program` on all these CPUs at once; 0 if one of them failed.
double at_once(std::vector<Harness>& harnesses, std::span<const unsigned> cpus, int program,
               const Sources& sources, unsigned packets) {
  const std::vector<unsigned char> frame = make_frame(4, Kind::udp);
  std::vector<double> ns(cpus.size(), 0);
  std::barrier start(static_cast<std::ptrdiff_t>(cpus.size()));
  {
    std::vector<std::jthread> threads;
    threads.reserve(cpus.size());
    for (std::size_t i = 0; i < cpus.size(); i++)
      threads.emplace_back([&, i] {
        stay_on(cpus[i]);
        start.arrive_and_wait();
        ns[i] = harnesses[i].run(program, frame, sources, packets).value_or(0);
      });
  }
  double sum = 0;
  for (const double one : ns) {
    if (one == 0) return 0;
    sum += one;
  }
  return sum / static_cast<double>(cpus.size());
}

}  // namespace

Result<void> measure_cpus(Stage& stage) {
  const std::vector<unsigned> cpus = allowed_cpus();
  std::vector<Harness> harnesses;
  for (std::size_t i = 0; i < cpus.size(); i++) {
    auto harness = Harness::open();
    if (!harness) return std::unexpected(harness.error());
    harnesses.push_back(std::move(*harness));
  }
  if (auto done = stage.subject.entry(FW_ENTRY_BAN, 4, kBanned); !done) return done;
  const struct Row {
    const char* name = "";
    Limits limits = Limits::defaults;
    Sources sources;
  } rows[] = {{"banned, 256 sources", Limits::defaults, kBanned},
              {"over the budget, 64 k sources", Limits::defaults, kFree},
              {"passed unverified, 64 k sources", Limits::roomy, kFree},
              {"passed unverified, one source on all CPUs", Limits::roomy, kOne}};
  for (const auto& row : rows)
    for (const std::size_t n : {std::size_t{1}, cpus.size()}) {
      std::vector<double> bare, ours;
      if (auto done = stage.subject.configure(row.limits, 0); !done) return done;
      for (unsigned round = 0; round < stage.plan.rounds; round++) {
        const std::span<const unsigned> some(cpus.data(), n);
        bare.push_back(
            at_once(harnesses, some, harnesses[0].drop(), row.sources, stage.plan.packets));
        (void)at_once(harnesses, some, stage.subject.program(), row.sources,
                      stage.plan.packets / 2);
        ours.push_back(
            at_once(harnesses, some, stage.subject.program(), row.sources, stage.plan.packets));
        if (bare.back() == 0 || ours.back() == 0) return fail("a CPU could not run the program");
        stage.subject.drain();
      }
      fmt::print(R"({{"table":"CPUs","row":"{}","cpus":{},"ns":{{"bare":[{}],"floodwall":[{}]}}}})"
                 "\n",
                 row.name, n, fmt::join(bare, ","), fmt::join(ours, ","));
    }
  return {};
}

}  // namespace fw::bench
