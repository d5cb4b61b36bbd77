// SPDX-License-Identifier: MIT
// `floodwall replay FILE --protect ADDR`: what Floodwall would have done with a capture.
#include "replay/replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/nearest.hpp"
#include "base/units.hpp"
#include "floodwall/local.hpp"

namespace fw {

namespace {

constexpr std::string_view kEraseLine = "\r\x1b[K";

Result<replay::Job> job_of(const cli::CommandLine& line) {
  auto protect = protected_addresses(line);
  if (!protect) return std::unexpected(std::move(protect).error());
  if (protect->empty())
    return fail(ErrorKind::usage,
                "replay needs --protect ADDR: this host's address in the capture");
  replay::Job job;
  job.file = line.arguments.front();
  job.protect = std::move(*protect);
  job.config = line.option("config");
  job.verdicts = line.option("verdicts");
  if (const auto capacity = line.option("capacity"); capacity && *capacity != "0") {
    const Result<double> rate = parse_rate(*capacity, false);
    if (!rate) return fail(ErrorKind::usage, fmt::format("--capacity: {}", rate.error().message));
    job.capacity = *rate;
  }
  if (auto profile = line.option("profile")) job.profile = std::move(*profile);
  if (std::ranges::find(replay::kProfiles, job.profile) == replay::kProfiles.end())
    return fail(ErrorKind::usage, fmt::format("--profile: no profile \"{}\"{}", job.profile,
                                              did_you_mean(job.profile, replay::kProfiles)));
  return job;
}

replay::Progress progress_on(std::ostream& err) {
  return [&err](std::uint64_t packets, std::optional<double> share) {
    err << kEraseLine << grouped(packets) << " packets";
    if (share) err << fmt::format(", {:.0f} %", 100 * *share);
    err << std::flush;
  };
}

}  // namespace

Result<int> run_replay(const cli::CommandLine& line, cli::World& world) {
  const Result<replay::Job> job = job_of(line);
  if (!job) return std::unexpected(job.error());
  const bool shown = world.err_is_terminal;
  const Result<replay::Report> report =
      replay::replay(*job, shown ? progress_on(world.err) : replay::Progress());
  if (shown) world.err << kEraseLine << std::flush;
  if (!report) return std::unexpected(report.error());
  world.out << (line.json ? cli::json_text(to_json(*report)) : to_text(*report, world.style))
            << std::flush;
  if (!world.out) return fail("standard output: cannot be written");
  // What was read before the damage has been shown: the error is only said, not a second reply.
  if (!report->damage.empty())
    return cli::complain(world, {ErrorKind::failed, report->damage}, false);
  return 0;
}

}  // namespace fw
