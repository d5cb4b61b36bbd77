// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/units.hpp"
#include "doctor/judges.hpp"

namespace fw::doctor {

namespace {

using State = DaemonFacts::State;

constexpr std::uint64_t kMostBans = 1ULL << 24;

// Without root a program has no name.
std::string what_filters(const Facts& facts) {
  if (!facts.programs) return "Whether the kernel still filters is not known.";
  std::vector<std::string> ours, unknown;
  for (const host::BpfProgram& one : *facts.programs)
    if (one.is_xdp() && (one.is_ours() || !one.name))
      (one.is_ours() ? ours : unknown).push_back(one.interface);
  if (!ours.empty())
    return fmt::format(
        "The kernel still filters on {}: bans hold and end there, limits and budgets too, and "
        "nothing new is learned.",
        fmt::join(ours, ", "));
  if (!unknown.empty())
    return fmt::format("An XDP program is on {}, and whether it is Floodwall's is not known.",
                       fmt::join(unknown, ", "));
  return "Nothing filters: no XDP program of Floodwall is attached.";
}

// The check of uplinks has it, with the command.
bool is_of_uplinks(const Facts& facts, const std::string& problem) {
  return std::ranges::any_of(facts.uplinks, [&problem](const Uplink& uplink) {
    return problem.starts_with(uplink.name + " has a default route and is not protected");
  });
}

std::string start_command(const Facts& facts) {
  const host::ServiceFacts& service = facts.machine.service;
  if (service.systemd && service.masked)
    return "sudo systemctl unmask floodwall && sudo systemctl enable --now floodwall";
  if (service.systemd && service.installed) return "sudo systemctl start floodwall";
  return "sudo ./quickstart";
}

}  // namespace

void judge_daemon(const Facts& facts, Report& report) {
  const DaemonFacts& daemon = facts.daemon;
  if (daemon.state == State::answers) return report.ok("floodwalld", "runs and answers");
  if (daemon.state == State::forbidden) return;
  if (daemon.state == State::hangs)
    return report.add(Severity::problem,
                      {.subject = "floodwalld",
                       .saw = daemon.why,
                       .meaning = "What is attached goes on filtering; nothing new is learned, and "
                                  "no command is obeyed.",
                       .command = facts.machine.service.systemd && facts.machine.service.installed
                                      ? "sudo systemctl restart floodwall"
                                      : ""});
  report.add(Severity::problem, {.subject = "floodwalld",
                                 .saw = "does not run",
                                 .meaning = what_filters(facts),
                                 .command = start_command(facts)});
}

void judge_service(const Facts& facts, Report& report) {
  const host::ServiceFacts& service = facts.machine.service;
  if (!service.systemd)
    return report.add(
        Severity::note,
        {.subject = "service",
         .saw = "systemd does not run here",
         .meaning = "Whatever starts programs at boot on this machine must start floodwalld too; "
                    "Floodwall cannot see whether it does."});
  if (service.masked)
    return report.add(
        Severity::warning,
        {.subject = "floodwall.service",
         .saw = "masked",
         .meaning = "It cannot be started, so nothing protects this host after a reboot.",
         .command = "sudo systemctl unmask floodwall && sudo systemctl enable --now floodwall"});
  if (!service.installed)
    return report.add(Severity::warning, {.subject = "floodwall.service",
                                          .saw = "not installed",
                                          .meaning = "Nothing starts Floodwall after a reboot.",
                                          .command = "sudo ./quickstart"});
  if (!service.enabled)
    return report.add(Severity::warning, {.subject = "floodwall.service",
                                          .saw = "not enabled",
                                          .meaning = "Nothing starts Floodwall after a reboot.",
                                          .command = "sudo systemctl enable floodwall"});
  report.ok("floodwall.service", "installed, and started at boot");
}

void judge_config(const Facts& facts, Report& report) {
  const ConfigFacts& config = facts.config;
  if (!config.problem.empty())
    return report.add(Severity::problem,
                      {.subject = config.file.native(),
                       .saw = config.problem,
                       .meaning = "What is in force stays in force, but this file does not load.",
                       .command = fmt::format("floodwall check {}", config.file.native())});
  if (config.there) report.ok(config.file.native(), "valid");
}

void judge_mode(const Facts& facts, Report& report) {
  const std::string& mode = facts.daemon.mode;
  if (mode.empty()) return;
  if (mode == "off")
    return report.add(Severity::problem, {.subject = "mode",
                                          .saw = "off",
                                          .meaning = "Nothing is protected, nor after a restart.",
                                          .command = "sudo floodwall mode enforce"});
  if (mode == "observe")
    return report.add(Severity::note, {.subject = "mode",
                                       .saw = "observe",
                                       .meaning = "Floods are reported, and nothing is dropped.",
                                       .command = "sudo floodwall mode enforce"});
  if (facts.config.there && facts.config.problem.empty() && facts.config.mode != mode)
    return report.add(
        Severity::note,
        {.subject = "mode",
         .saw = fmt::format("{}, configured: {}", mode, facts.config.mode),
         .meaning = "It was set by hand, and holds until the configuration names another one."});
  report.ok("mode", mode);
}

void judge_degraded(const Facts& facts, Report& report) {
  const DaemonFacts& daemon = facts.daemon;
  if (daemon.state != State::answers) return;
  for (const std::string& problem : daemon.problems)
    if (!problem.starts_with("mode is off") && !is_of_uplinks(facts, problem))
      report.add(Severity::problem, {.subject = "status", .saw = problem});
  // What checks of uplinks do not say: interfaces that are no uplinks.
  for (const DaemonFacts::Interface& one : daemon.interfaces)
    if (!one.problem.empty() &&
        std::ranges::find(facts.uplinks, one.name, &Uplink::name) == facts.uplinks.end())
      report.add(one.attachment == "none" ? Severity::problem : Severity::note,
                 {.subject = one.name, .saw = one.problem});
  if (daemon.problems.empty()) report.ok("status", "the kernel has what the daemon wants");
}

void judge_tables(const Facts& facts, Report& report) {
  const auto used = facts.daemon.bans_used, capacity = facts.daemon.bans_capacity;
  if (capacity == 0) return;
  std::string saw = fmt::format("{} of {} used", grouped(used), grouped(capacity));
  if (used * 2 <= capacity || used * 10 > capacity * 7)
    return report.ok("table of bans", std::move(saw));
  report.add(Severity::note,
             {.subject = "table of bans",
              .saw = std::move(saw),
              .meaning = "From 70 % on more bans may find no place.",
              // The table has twice as many places as tables.bans says, which may be 2^24 at most.
              .command = capacity > kMostBans
                             ? ""
                             : write_config(facts, "tables",
                                            fmt::format("[tables]\\nbans = {}", capacity)) +
                                   " && sudo systemctl restart floodwall"});
}

}  // namespace fw::doctor
