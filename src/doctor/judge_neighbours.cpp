// SPDX-License-Identifier: MIT
// Who else handles packets: programs, firewalls, Docker, a proxy in front.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "doctor/judges.hpp"

namespace fw::doctor {

namespace {

using host::BpfProgram;

std::string named(const BpfProgram& program) {
  const std::string name = program.name.value_or("");
  return name.empty() ? fmt::format("program {}", program.id)
                      : fmt::format("\"{}\" (program {})", name, program.id);
}

// A program that a link holds is taken off with its link only.
std::string take_off(const BpfProgram& program) {
  if (program.link != 0) return fmt::format("sudo bpftool link detach id {}", program.link);
  return fmt::format("sudo ip link set dev {} {} off", program.interface,
                     program.hook == BpfProgram::Hook::xdp_generic ? "xdpgeneric" : "xdpdrv");
}

struct Neighbour {
  std::string_view process, name, meaning;
};
constexpr std::string_view kSameAim =
    "It bans by what it reads in logs, Floodwall by packets, and neither lifts the other's bans.";
constexpr Neighbour kNeighbours[] = {
    {"firewalld", "firewalld", "What Floodwall lets pass still meets its rules."},
    {"fail2ban-server", "fail2ban", kSameAim},
    {"sshguard", "sshguard", kSameAim},
    {"crowdsec", "CrowdSec", kSameAim},
    {"crowdsec-firewa", "CrowdSec's firewall bouncer",
     "Its bans are rules behind Floodwall, and hold for what Floodwall lets pass."},
};

}  // namespace

void judge_foreign(const Facts& facts, Report& report) {
  if (!facts.programs) return;
  std::set<std::string> clean;
  for (const Uplink& uplink : facts.uplinks) clean.insert(uplink.name);
  for (const BpfProgram& one : *facts.programs) {
    if (std::ranges::find(facts.uplinks, one.interface, &Uplink::name) == facts.uplinks.end())
      continue;
    const auto* const status = status_of(facts, one.interface);
    const bool attached =
        status != nullptr && (status->attachment == "native" || status->attachment == "generic");
    // Without root nobody says whose program it is.
    const bool may_be_ours = !one.name && (status == nullptr || attached);
    if (one.is_ours() || (one.is_xdp() && may_be_ours)) continue;
    clean.erase(one.interface);
    if (one.is_xdp() && status != nullptr && status->attachment == "queue")
      report.add(Severity::note,
                 {.subject = one.interface,
                  .saw = fmt::format("XDP of another program: {}", named(one)),
                  .meaning = "Floodwall's queues (nfqueue) judge what it lets pass."});
    else if (one.is_xdp())
      report.add(Severity::problem,
                 {.subject = one.interface,
                  .saw = fmt::format("XDP of another program: {}", named(one)),
                  .meaning = "An interface runs one XDP program, and Floodwall does not replace "
                             "what it did not attach.",
                  .command = take_off(one)});
    else
      report.add(Severity::note,
                 {.subject = one.interface,
                  .saw = fmt::format("a tc program of another: {}", named(one)),
                  .meaning = "It sees what Floodwall let pass; what it redirects or sends itself "
                             "is not judged again."});
  }
  for (const std::string& name : clean) report.ok(name, "no XDP or tc program of others");
}

void judge_firewalls(const Facts& facts, Report& report) {
  const host::FirewallFacts& found = facts.machine.firewall;
  const auto tables = facts.nft_tables.value_or(std::vector<std::string>{});
  if (!tables.empty())
    report.add(Severity::note,
               {.subject = "nftables",
                .saw = fmt::format("rules in {}", fmt::join(tables, ", ")),
                .meaning = "What Floodwall lets pass still meets these rules; `floodwall why` says "
                           "nothing about them.",
                .command = "sudo nft list ruleset"});
  if (!found.iptables.empty())
    report.add(Severity::note,
               {.subject = "iptables",
                .saw = fmt::format("tables {}", fmt::join(found.iptables, ", ")),
                .meaning = "What Floodwall lets pass still meets these rules; `floodwall why` says "
                           "nothing about them.",
                .command = "sudo iptables-legacy-save"});
  if (found.ufw)
    report.add(Severity::note, {.subject = "ufw",
                                .saw = "enabled",
                                .meaning = "What Floodwall lets pass still meets its rules."});
  for (const Neighbour& each : kNeighbours)
    if (found.processes.contains(std::string(each.process)))
      report.add(
          Severity::note,
          {.subject = std::string(each.name), .saw = "runs", .meaning = std::string(each.meaning)});
  if (facts.nft_tables && found.iptables_seen && tables.empty() && found.iptables.empty())
    report.ok("", "no rules of nftables or iptables");
}

void judge_forwarding(const Facts& facts, Report& report) {
  const bool docker = facts.docker_network || facts.machine.firewall.processes.contains("dockerd");
  const std::string who = docker ? "Docker" : "port forwarding";
  if (facts.forwards_ports.value_or(false))
    return report.add(
        Severity::note,
        {.subject = who,
         .saw = "ports of this host are forwarded (DNAT)",
         .meaning = "SYNs above their budget are dropped, not answered with cookies, as an answer "
                    "might be for a container; one that uses the host's network needs no "
                    "forwarding (docker run --network host)."});
  if (docker && facts.forwards_ports)
    report.ok(who, "publishes no port, so SYN cookies are in nobody's way");
}

void judge_proxy(const Facts& facts, Report& report) {
  using Certainty = host::ProxyInFront::Certainty;
  const host::ProxyInFront& proxy = facts.proxy;
  if (proxy.certainty == Certainty::none) return;
  std::vector<std::string> prefixes;
  for (const Prefix& one : proxy.prefixes) prefixes.push_back(one.text());
  const bool known = !proxy.name.empty();
  std::string meaning =
      "Its addresses stand for all of their users: floods of requests are stopped there, and a "
      "limit or ban here hits everybody behind it.";
  meaning += known ? " If they are allowed, packets that are forged in its name pass as well."
                   : " It may as well be an office, a monitor or one client that opens too many.";
  report.add(Severity::note,
             {.subject = known ? proxy.name : "a proxy",
              .saw = fmt::format("{}in front: {} of {} connections to web ports come from {}",
                                 proxy.certainty == Certainty::sure ? "" : "perhaps ",
                                 proxy.connections, proxy.all, fmt::join(prefixes, ", ")),
              .meaning = std::move(meaning),
              .command = known ? fmt::format("sudo floodwall allow {} --comment {}",
                                             fmt::join(prefixes, " "), proxy.name)
                               : fmt::format("floodwall why {}", prefixes.front())});
}

}  // namespace fw::doctor
