// SPDX-License-Identifier: MIT
#include "replay/replay.hpp"

#include <memory>
#include <utility>

#include "capture/reader.hpp"
#include "config/config.hpp"
#include "replay/default_profile.hpp"
#include "replay/seed_profile.hpp"
#include "replay/verdict_file.hpp"

namespace fw::replay {
namespace {

constexpr std::uint64_t kProgressPackets = 1 << 19;

// Without a configuration file: the built-in defaults and no lists, so that the result does not
// depend on the machine.
Result<config::Config> config_of(const Job& job) {
  if (job.config) return config::load(*job.config);
  config::Config config;
  config.lists = {.allow = {}, .deny = {}};
  return config;
}

Result<std::unique_ptr<Profile>> open_profile(const Job& job, const CaptureClock& clock,
                                              Timeline& timeline) {
  Result<config::Config> config = config_of(job);
  if (!config) return std::unexpected(std::move(config.error()));
  config->detect.capacity = job.capacity;  // a capture has no host that could suffer
  const std::filesystem::path folder =
      job.config ? job.config->parent_path() : std::filesystem::path();
  if (job.profile == kSeedProfile)
    return std::make_unique<SeedProfile>(job.protect, engine::ListSet::read(config->lists, folder),
                                         timeline);
  return DefaultProfile::open(std::move(*config), folder, job.protect, clock, timeline);
}

struct Run {
  capture::Reader reader;
  std::optional<VerdictFile> verdicts;
  Report report;

  [[nodiscard]] Result<void> read(const Job& job, const Progress& progress);
};

Result<void> Run::read(const Job& job, const Progress& progress) {
  capture::Record record;
  Result<bool> more = reader.next(record);
  CaptureClock clock(more && *more ? record.time_ns : 0);
  Result<std::unique_ptr<Profile>> profile = open_profile(job, clock, report.timeline);
  if (!profile) return std::unexpected(std::move(profile.error()));
  for (; more && *more; more = reader.next(record)) {
    const std::uint64_t now_ns = clock.advance_to(record.time_ns);
    const Outcome outcome = (*profile)->judge(record, clock);
    report.tally.add(outcome, now_ns);
    if (verdicts) verdicts->add(outcome);
    if (progress && report.tally.records() % kProgressPackets == 0)
      progress(report.tally.records(), reader.progress());
  }
  (*profile)->finish(clock);
  report.clock = clock;
  report.problems = (*profile)->problems();
  report.cut = more && reader.cut();
  if (!more) report.damage = more.error().message;
  return {};
}

}  // namespace

Result<Report> replay(const Job& job, const Progress& progress) {
  Result<capture::Reader> reader = capture::Reader::open(job.file);
  if (!reader) return std::unexpected(std::move(reader.error()));
  Run run{.reader = std::move(*reader), .verdicts = std::nullopt, .report = {}};
  run.report.file = job.file == "-" ? "standard input" : job.file;
  run.report.profile = job.profile;
  run.report.config = job.config ? job.config->native() : "built-in defaults";
  run.report.capacity = job.capacity;
  run.report.protect = job.protect;
  if (job.verdicts) {
    Result<VerdictFile> file = VerdictFile::create(*job.verdicts);
    if (!file) return std::unexpected(std::move(file.error()));
    run.verdicts.emplace(std::move(*file));
  }
  if (Result<void> done = run.read(job, progress); !done)
    return std::unexpected(std::move(done.error()));
  if (run.verdicts)
    if (Result<void> closed = run.verdicts->close(); !closed)
      return std::unexpected(std::move(closed.error()));
  return std::move(run.report);
}

}  // namespace fw::replay
