// SPDX-License-Identifier: MIT
// What this machine's files say about it: kernel, settings, service, disks, clock. What cannot be
// read is absent, never a default, so that nobody judges what he did not see.
//
// Thread rule: free functions without state.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace fw::host {

struct KernelFacts {
  std::string release{};  // "6.1.0-18-amd64"
  bool bpf = false;       // the system call is there
  bool btf = false;       // the kernel describes its types
  // "CONFIG_BPF_JIT" -> "y", "m" or "n" (not set), as far as they were looked for; empty if this
  // kernel's configuration cannot be read.
  std::map<std::string, std::string> config{};
};

// What a service manager would start at boot.
struct ServiceFacts {
  bool systemd = false;  // it runs
  bool installed = false, enabled = false, masked = false;
};

struct FirewallFacts {
  bool ufw = false;                     // enabled
  std::set<std::string> processes{};    // of kKnownProcesses, those that run
  std::vector<std::string> iptables{};  // tables of the older iptables ("filter", "nat")
  bool iptables_seen = false;           // false: may not be read
};

struct Disk {
  std::filesystem::path folder;  // the one that was asked for
  std::uint64_t free_bytes = 0, size_bytes = 0;
  std::uint64_t free_inodes = 0, inodes = 0;  // 0 of 0: the file system has no fixed number
};

struct MachineFacts {
  KernelFacts kernel{};
  std::map<std::string, std::string> sysctls{};  // "net.ipv4.tcp_syncookies" -> "1"; absent: unread
  std::string clock_source{};
  std::set<std::string> clock_sources{};  // that could be chosen
  bool clock_synchronised = true;         // as the kernel says (adjtimex)
  unsigned cpus = 1;
  std::string container{};  // "docker", "lxc"; empty: none that is known
  ServiceFacts service{};
  FirewallFacts firewall{};
  std::vector<Disk> disks{};
};

// Names as in /proc/PID/comm, which has 15 characters.
inline constexpr std::array<std::string_view, 9> kKnownProcesses{
    "firewalld", "fail2ban-server", "crowdsec", "crowdsec-firewa", "dockerd", "chronyd",
    "ntpd",      "systemd-timesy",  "sshguard"};

// Reads below `root`; the clock's state and the number of processors come from the system itself.
// `folders`: those whose disk is looked at. Reads at most the first 8,192 processes.
[[nodiscard]] MachineFacts read_machine(const std::filesystem::path& root,
                                        const std::vector<std::filesystem::path>& folders);

// The options of a kernel's configuration file that are named in `wanted`.
[[nodiscard]] std::map<std::string, std::string> kernel_options(
    std::string_view text, const std::vector<std::string>& wanted);

}  // namespace fw::host
