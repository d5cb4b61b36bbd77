// SPDX-License-Identifier: MIT
#include "doctor/checks.hpp"

#include <array>

#include "doctor/judges.hpp"

namespace fw::doctor {

namespace {

constexpr std::array kChecks{
    Check{"daemon",
          "whether floodwalld runs and answers, and else whether the kernel still filters",
          "problem: it does not", judge_daemon},
    Check{"service", "the unit of systemd: installed, enabled, not masked",
          "warning: a reboot ends the protection; note: no systemd here", judge_service},
    Check{"config", "whether floodwall.toml on disk is valid",
          "problem: the next start or apply "
          "fails on it",
          judge_config},
    Check{"mode", "the mode in force, beside the configured one",
          "problem: off; note: observe, or other than configured", judge_mode},
    Check{"degraded", "what `floodwall status` calls problems: intent against kernel",
          "problem: each of them", judge_degraded},
    Check{"uplinks", "whether each interface with a default route is protected",
          "problem: it is not; note: it is a tunnel, and `interface` names others", judge_uplinks},
    Check{"xdp", "how XDP is attached (native, generic), and why: LRO, GRO_HW, MTU, driver",
          "warning: generic, and a command mends it; note: generic, and nothing does", judge_xdp},
    Check{"vlan", "VLAN offload on an uplink with VLAN interfaces",
          "warning: SYN cookies do not reach clients behind the VLAN", judge_vlan},
    Check{"queues", "receive queues against processors, and how RSS spreads over them",
          "warning: one queue takes everything though there are more; note: fewer than could be",
          judge_queues},
    Check{"ring", "the ring of each receive queue", "note: below 512 packets, and more is possible",
          judge_ring},
    Check{"foreign", "BPF programs of others on the uplinks (XDP, tc)",
          "problem: XDP of another program, which Floodwall does not replace; note: tc, or "
          "beside nfqueue",
          judge_foreign},
    Check{"firewalls", "nftables, iptables, ufw, firewalld, fail2ban, CrowdSec, sshguard",
          "note: how they and Floodwall live together", judge_firewalls},
    Check{"forwarding", "Docker and rules that forward ports of this host (DNAT)",
          "note: SYN cookies are off, or in nobody's way", judge_forwarding},
    Check{"proxy", "a CDN or proxy in front, by who is connected to ports 80, 443, 8080 and 8443",
          "note: its addresses stand for all of their users", judge_proxy},
    Check{
        "syncookies", "net.ipv4.tcp_syncookies, nf_conntrack_tcp_loose",
        "problem: SYNs above their budget are dropped; warning: those that were answered are lost",
        judge_syncookies},
    Check{"conntrack", "the table of connection tracking: used, and its limit",
          "problem: 90 % are used; warning: 70 %", judge_conntrack},
    Check{"backlogs",
          "net.core.somaxconn, netdev_max_backlog, netdev_budget, "
          "netdev_budget_usecs, net.ipv4.tcp_max_syn_backlog",
          "note: below the kernel's own default", judge_backlogs},
    Check{"udp-buffers", "losses of UDP sockets of servers, and net.core.rmem_max",
          "note: a socket lost 1,000 packets and its buffer is small", judge_udp_buffers},
    Check{"reverse-path", "rp_filter, with several uplinks",
          "warning: the kernel drops what comes by the other uplink", judge_reverse_path},
    Check{"tables", "occupancy of the table for bans",
          "note: above half; from 70 % on `degraded` "
          "has it",
          judge_tables},
    Check{"kernel", "version, BPF, type information (BTF), configuration",
          "problem: too old, or without BPF; note: what else is missing, and what is lost by it",
          judge_kernel},
    Check{"jit", "net.core.bpf_jit_enable, bpf_jit_harden",
          "warning: the program is interpreted; note: it is hardened, and slower", judge_jit},
    Check{"clock-source", "what the kernel reads the time from",
          "note: a slow one, and a faster one could be chosen", judge_clock_source},
    Check{"clock", "whether the clock is synchronised",
          "note: it is not, so the log's times may be "
          "wrong",
          judge_clock},
    Check{"disk", "room for state and log",
          "problem: 16 MiB or 100 inodes; warning: less than the "
          "log may take",
          judge_disk},
    Check{"container", "whether this is a container", "note: what is protected then",
          judge_container},
};

}  // namespace

std::span<const Check> checks() {
  return kChecks;
}

Findings examine(const Facts& facts) {
  Findings findings;
  for (const Check& check : kChecks) {
    Report report(check.name, findings);
    check.judge(facts, report);
  }
  return findings;
}

}  // namespace fw::doctor
