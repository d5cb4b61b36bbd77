// SPDX-License-Identifier: MIT
// What the kernel counts where it receives packets: the time spent on it, and the packets for which
// there was no room on the way to a socket. All numbers count up since the machine, an interface or
// a counter was made: the difference of two readings says what happened between them.
//
// An interface's `rx_dropped` is not among them: with some drivers (virtio_net) it includes what an
// XDP program drops, so that Floodwall would take its own work for suffering.
//
// Thread rule: free functions without state.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fw::host {

struct CpuTime {
  std::uint64_t softirq = 0, all = 0;  // clock ticks
};

struct Pressure {
  std::vector<CpuTime> cpus;
  std::uint64_t backlog_drops = 0;    // /proc/net/softnet_stat: a CPU's queue was full
  std::uint64_t squeezes = 0;         // the kernel had to leave packets for later
  std::uint64_t ring_drops = 0;       // of the interfaces: the driver's ring was full
  std::uint64_t conntrack_drops = 0;  // no room for a connection, or in its hash chain
  std::uint64_t udp_full = 0;         // datagrams for which a UDP socket had no room
  std::uint64_t udp_read = 0;         // datagrams that programs read
};

// CPU time is of the machine, all else of the caller's network namespace. What the kernel does not
// say is 0. `interfaces`: names.
[[nodiscard]] Pressure read_pressure(std::span<const std::string> interfaces);

// ---- the texts of /proc, for read_pressure() and its tests

void add_cpu_times(std::string_view stat, Pressure& pressure);
void add_softnet(std::string_view softnet_stat, Pressure& pressure);
void add_conntrack(std::string_view nf_conntrack, Pressure& pressure);
void add_udp(std::string_view snmp, Pressure& pressure);    // IPv4
void add_udp6(std::string_view snmp6, Pressure& pressure);  // IPv6

}  // namespace fw::host
