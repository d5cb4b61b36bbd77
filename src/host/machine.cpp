// SPDX-License-Identifier: MIT
#include "host/machine.hpp"

#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <system_error>

#include "base/file.hpp"

namespace fw::host {

namespace {

using std::filesystem::path;

constexpr std::size_t kSmall = 4096;             // a file with one value
constexpr std::size_t kKernelConfig = 4U << 20;  // 0.3 MB is usual
constexpr unsigned kMostProcesses = 8192;

const std::vector<std::string> kOptions{"CONFIG_BPF_SYSCALL",
                                        "CONFIG_BPF_JIT",
                                        "CONFIG_NET_CLS_BPF",
                                        "CONFIG_INET_DIAG",
                                        "CONFIG_INET_UDP_DIAG",
                                        "CONFIG_SYN_COOKIES",
                                        "CONFIG_NETFILTER_NETLINK_QUEUE"};

constexpr std::array kSysctls{"net.core.bpf_jit_enable",
                              "net.core.bpf_jit_harden",
                              "net.core.netdev_budget",
                              "net.core.netdev_budget_usecs",
                              "net.core.netdev_max_backlog",
                              "net.core.rmem_max",
                              "net.core.somaxconn",
                              "net.ipv4.conf.all.rp_filter",
                              "net.ipv4.tcp_max_syn_backlog",
                              "net.ipv4.tcp_syncookies",
                              "net.netfilter.nf_conntrack_count",
                              "net.netfilter.nf_conntrack_max",
                              "net.netfilter.nf_conntrack_tcp_loose"};

// Its first line, without blanks at the end; none if it cannot be read.
std::optional<std::string> value_of(const path& file) {
  auto text = read_file(file, kSmall);
  if (!text) return std::nullopt;
  text->erase(std::min(text->find('\n'), text->size()));
  while (!text->empty() && std::isspace(static_cast<unsigned char>(text->back())) != 0)
    text->pop_back();
  return std::move(*text);
}

bool is_there(const path& file) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::symlink_status(file, error));
}

void for_each_word(std::string_view text, const std::function<void(std::string_view)>& then) {
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
    if (text.empty()) return;
    const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
    then(text.substr(0, end));
    text.remove_prefix(end);
  }
}

KernelFacts read_kernel(const path& root) {
  KernelFacts kernel;
  kernel.release = value_of(root / "proc/sys/kernel/osrelease").value_or("");
  kernel.bpf = is_there(root / "proc/sys/kernel/unprivileged_bpf_disabled");
  kernel.btf = is_there(root / "sys/kernel/btf/vmlinux");
  for (const path& file : {root / "boot" / ("config-" + kernel.release),
                           root / "usr/lib/modules" / kernel.release / "config"})
    if (const auto text = read_file(file, kKernelConfig); text && kernel.config.empty())
      kernel.config = kernel_options(*text, kOptions);
  return kernel;
}

std::map<std::string, std::string> read_sysctls(const path& root) {
  std::map<std::string, std::string> values;
  for (const std::string name : kSysctls) {
    std::string file = name;
    std::ranges::replace(file, '.', '/');
    if (auto value = value_of(root / "proc/sys" / file)) values.emplace(name, std::move(*value));
  }
  return values;
}

ServiceFacts read_service(const path& root) {
  ServiceFacts service;
  service.systemd = is_there(root / "run/systemd/system");
  for (const char* folder : {"etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system",
                             "lib/systemd/system", "usr/local/lib/systemd/system"}) {
    const path unit = root / folder / "floodwall.service";
    std::error_code error;
    const path target = std::filesystem::read_symlink(unit, error);
    service.masked = service.masked || target == "/dev/null";
    service.installed = service.installed || (is_there(unit) && target != "/dev/null");
  }
  service.enabled = is_there(root / "etc/systemd/system/multi-user.target.wants/floodwall.service");
  return service;
}

std::string container_of(const path& root) {
  // The first namespace of processes has this number (include/linux/proc_ns.h): a virtual machine
  // made from a container's image has the file as well.
  std::error_code error;
  if (std::filesystem::read_symlink(root / "proc/self/ns/pid", error) == "pid:[4026531836]")
    return {};
  if (is_there(root / ".dockerenv")) return "docker";
  if (is_there(root / "run/.containerenv")) return "podman";
  return value_of(root / "run/systemd/container").value_or("");
}

FirewallFacts read_firewalls(const path& root) {
  FirewallFacts found;
  if (const auto text = read_file(root / "etc/ufw/ufw.conf", kSmall))
    found.ufw = ("\n" + *text).find("\nENABLED=yes") != std::string::npos;
  for (const char* names : {"proc/net/ip_tables_names", "proc/net/ip6_tables_names"}) {
    found.iptables_seen = found.iptables_seen || may_read(root / names);
    if (const auto text = read_file(root / names, kSmall))
      for_each_word(*text, [&found](std::string_view name) {
        if (std::ranges::find(found.iptables, name) == found.iptables.end())
          found.iptables.emplace_back(name);
      });
  }
  unsigned seen = 0;
  std::error_code error;
  for (auto each = std::filesystem::directory_iterator(root / "proc", error);
       !error && each != std::filesystem::directory_iterator() && seen < kMostProcesses;
       each.increment(error)) {
    const std::string name = each->path().filename();
    if (std::isdigit(static_cast<unsigned char>(name.front())) == 0) continue;
    seen++;
    const std::string comm = value_of(each->path() / "comm").value_or("");
    if (std::ranges::find(kKnownProcesses, comm) != kKnownProcesses.end())
      found.processes.insert(comm);
  }
  return found;
}

// Of a folder that is not there yet, the disk on which it would be made.
std::optional<Disk> disk_of(const path& root, const path& folder) {
  struct statvfs info{};
  path there = folder.relative_path();
  while (!there.empty() && !is_there(root / there)) there = there.parent_path();
  if (::statvfs((root / there).c_str(), &info) != 0) return std::nullopt;
  return Disk{.folder = folder,
              .free_bytes = std::uint64_t{info.f_bavail} * info.f_frsize,
              .size_bytes = std::uint64_t{info.f_blocks} * info.f_frsize,
              .free_inodes = info.f_favail,
              .inodes = info.f_files};
}

bool is_clock_synchronised() {
  timex state{};  // no mode: it is only read
  const int answer = ::adjtimex(&state);
  return answer < 0 || (answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0);
}

}  // namespace

std::map<std::string, std::string> kernel_options(std::string_view text,
                                                  const std::vector<std::string>& wanted) {
  std::map<std::string, std::string> found;
  for (const std::string& name : wanted) {
    const std::size_t set = text.find("\n" + name + "=");
    if (set != std::string_view::npos)
      found[name] = text.substr(set + 1 + name.size() + 1, 1);
    else if (text.find("# " + name + " is not set") != std::string_view::npos)
      found[name] = "n";
  }
  return found;
}

MachineFacts read_machine(const path& root, const std::vector<path>& folders) {
  MachineFacts facts;
  facts.kernel = read_kernel(root);
  facts.sysctls = read_sysctls(root);
  const path clock = root / "sys/devices/system/clocksource/clocksource0";
  facts.clock_source = value_of(clock / "current_clocksource").value_or("");
  for_each_word(value_of(clock / "available_clocksource").value_or(""),
                [&facts](std::string_view name) { facts.clock_sources.emplace(name); });
  facts.clock_synchronised = is_clock_synchronised();
  facts.cpus = static_cast<unsigned>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  facts.container = container_of(root);
  facts.service = read_service(root);
  facts.firewall = read_firewalls(root);
  for (const path& folder : folders)
    if (const auto disk = disk_of(root, folder)) facts.disks.push_back(*disk);
  return facts;
}

}  // namespace fw::host
