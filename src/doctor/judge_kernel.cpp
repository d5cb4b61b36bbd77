// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <utility>

#include "base/units.hpp"
#include "doctor/judges.hpp"

namespace fw::doctor {

namespace {

constexpr std::pair kLeastKernel{5U, 18U};
constexpr std::uint64_t kLittleBytes = 16ULL << 20;
constexpr std::uint64_t kFewInodes = 100;

std::optional<std::pair<unsigned, unsigned>> version_of(std::string_view release) {
  std::pair<unsigned, unsigned> version;
  const char* const end = release.data() + release.size();
  const auto major = std::from_chars(release.data(), end, version.first);
  if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return std::nullopt;
  if (std::from_chars(major.ptr + 1, end, version.second).ec != std::errc{}) return std::nullopt;
  return version;
}

struct Option {
  const char* name;
  std::string_view without;
};
constexpr std::array kUseful{
    Option{"CONFIG_NET_CLS_BPF",
           "Before Linux 6.6 what this host sends is not seen without it, so that only TCP clients "
           "can be told from a flood."},
    Option{"CONFIG_INET_DIAG", "Floodwall cannot see which sockets listen or suffer without it."},
    Option{"CONFIG_INET_UDP_DIAG",
           "Floodwall cannot see which UDP services suffer without it, and restricts none for it."},
    Option{"CONFIG_SYN_COOKIES", "SYNs above their budget are dropped, not answered."},
};

// Clocks that are read in some nanoseconds.
bool is_slow(std::string_view clock) {
  return clock == "hpet" || clock == "acpi_pm" || clock == "jiffies" || clock == "pit" ||
         clock == "refined-jiffies";
}

}  // namespace

void judge_kernel(const Facts& facts, Report& report) {
  const host::KernelFacts& kernel = facts.machine.kernel;
  const auto version = version_of(kernel.release);
  if (!version) return;
  if (*version < kLeastKernel)
    return report.add(
        Severity::problem,
        {.saw = fmt::format("Linux {}", kernel.release),
         .meaning = "Floodwall's programs need Linux 5.18 or later; datapath = \"nfqueue\" judges "
                    "in user space instead, for smaller floods."});
  if (!kernel.bpf)
    return report.add(Severity::problem,
                      {.saw = fmt::format("Linux {} without BPF", kernel.release),
                       .meaning = "XDP needs a kernel with CONFIG_BPF_SYSCALL; datapath = "
                                  "\"nfqueue\" judges in user space instead."});
  for (const auto& [name, without] : kUseful) {
    const auto option = kernel.config.find(name);
    if (option != kernel.config.end() && option->second == "n")
      report.add(
          Severity::note,
          {.subject = name, .saw = "not set in this kernel", .meaning = std::string(without)});
  }
  if (!kernel.btf)
    report.add(Severity::note,
               {.saw = fmt::format("Linux {} without type information (BTF)", kernel.release),
                .meaning = "Connections that only connection tracking knows, such as a container's "
                           "from before the start, are judged as new."});
  else
    report.ok("", fmt::format("Linux {}, with BPF and BTF", kernel.release));
}

void judge_jit(const Facts& facts, Report& report) {
  const auto enabled = sysctl(facts, "net.core.bpf_jit_enable");
  if (!enabled) return;
  if (*enabled == 0)
    return report.add(Severity::warning,
                      {.subject = "net.core.bpf_jit_enable",
                       .saw = "0",
                       .meaning = "The kernel interprets the program for every packet, which "
                                  "takes several times as long.",
                       .command = set_sysctl("net.core.bpf_jit_enable", 1) +
                                  " && sudo systemctl restart floodwall"});
  if (sysctl(facts, "net.core.bpf_jit_harden").value_or(0) == 2)
    return report.add(Severity::note,
                      {.subject = "net.core.bpf_jit_harden",
                       .saw = "2",
                       .meaning = "The kernel hides constants in root's programs too, which makes "
                                  "the filter slower; 1 hardens those of users only.",
                       .command = set_sysctl("net.core.bpf_jit_harden", 1) +
                                  " && sudo systemctl restart floodwall"});
  report.ok("", "programs are compiled (bpf_jit_enable = 1)");
}

void judge_clock_source(const Facts& facts, Report& report) {
  const std::string& now = facts.machine.clock_source;
  if (now.empty()) return;
  for (const char* better : {"tsc", "kvm-clock", "arch_sys_counter"})
    if (is_slow(now) && facts.machine.clock_sources.contains(better))
      return report.add(
          Severity::note,
          {.subject = "clock source",
           .saw = now,
           .meaning = "Servers and the kernel ask for the time with each packet, and this clock "
                      "takes a hundred times as long as the other one.",
           .command = fmt::format("echo {} | sudo tee /sys/devices/system/clocksource/"
                                  "clocksource0/current_clocksource",
                                  better)});
  report.ok("clock source", now);
}

void judge_clock(const Facts& facts, Report& report) {
  if (facts.machine.clock_synchronised) return report.ok("", "the clock is synchronised");
  const auto& running = facts.machine.firewall.processes;
  const bool is_served =
      running.contains("chronyd") || running.contains("ntpd") || running.contains("systemd-timesy");
  std::string command;
  if (running.contains("chronyd"))
    command = "chronyc tracking";
  else if (running.contains("ntpd"))
    command = "ntpq -p";
  else if (running.contains("systemd-timesy"))
    command = "timedatectl timesync-status";
  else if (facts.machine.container.empty())
    command = "sudo apt-get install systemd-timesyncd";
  report.add(
      Severity::note,
      {.subject = "clock",
       .saw = is_served ? "not synchronised yet, though a program for it runs" : "not synchronised",
       .meaning = "Bans end on time all the same; the times in log and events may differ "
                  "from those of other machines.",
       .command = std::move(command)});
}

void judge_disk(const Facts& facts, Report& report) {
  for (const host::Disk& disk : facts.machine.disks) {
    const bool few_inodes = disk.inodes != 0 && disk.free_inodes < kFewInodes;
    const bool full = disk.free_bytes < kLittleBytes || few_inodes;
    const bool small = disk.free_bytes < facts.config.log_bytes;
    std::string saw = fmt::format("{} free", format_size(disk.free_bytes));
    if (few_inodes) saw += fmt::format(", {} inodes free", disk.free_inodes);
    if (!full && !small) {
      report.ok(disk.folder.native(), std::move(saw));
      continue;
    }
    report.add(full ? Severity::problem : Severity::warning,
               {.subject = disk.folder.native(),
                .saw = std::move(saw),
                .meaning = full ? std::string("Filtering goes on with a full disk, but bans, log "
                                              "and captures are not written.")
                                : fmt::format("The log may take up to {} before the oldest file "
                                              "goes.",
                                              format_size(facts.config.log_bytes)),
                .command = "sudo du -xh --max-depth=2 /var | sort -h | tail -n 20"});
  }
}

void judge_container(const Facts& facts, Report& report) {
  if (facts.machine.container.empty()) return;
  report.add(Severity::note,
             {.saw = fmt::format("this is a container ({})", facts.machine.container),
              .meaning = "Only this container's own interfaces are protected; a flood is stopped "
                         "sooner, and for all containers, by Floodwall on the host."});
}

}  // namespace fw::doctor
