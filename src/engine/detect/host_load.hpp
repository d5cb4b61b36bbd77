// SPDX-License-Identifier: MIT
// What the daemon measured of this host's load, and whether it is more than the host bears. The
// numbers come from the kernel (host/pressure.hpp); what they mean is decided here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.hpp"

namespace fw::engine {

// A socket to which anybody may send: TCP that listens, UDP that is not connected.
struct SocketLoad {
  Address local{};  // unspecified: all addresses, or all of IPv4
  std::uint16_t port = 0;
  bool udp = false;
  double lost_pps = 0;    // packets or connections that found its queue full
  double queue_fill = 0;  // 0 to 1: of its receive buffer, or of its queue of connections
};

// Between two measurements.
struct HostLoad {
  std::vector<SocketLoad> sockets;
  double softirq_share = 0;      // 0 to 1: CPU time that the kernel spent on packets, of all CPUs
  double busiest_softirq = 0;    // and of the CPU that spent most
  double backlog_drops_pps = 0;  // packets for which a CPU's queue had no room (softnet_stat)
  double squeezes_pps = 0;       // times that the kernel had to leave packets for later
  double ring_drops_pps = 0;     // packets for which an interface's ring had no room
  double conntrack_drops_pps = 0;
  double udp_read_pps = 0;  // datagrams that programs read from UDP sockets
};

// Judgement.
inline constexpr double kSocketLosesPps = 10;     // fewer are an accident
inline constexpr double kQueueIsLong = 0.5;       // of its room ...
inline constexpr double kQueueIsShort = 0.125;    // ... until it is this short again
inline constexpr double kShareRead = 0.8;         // of what passed: programs keep up
inline constexpr double kSoftirqIsMuch = 0.5;     // of all CPU time: no more is let in than before
inline constexpr double kHostLosesPps = 50;       // in front of the sockets
inline constexpr double kSoftirqIsTooMuch = 0.8;  // of all CPU time: programs get the rest
inline constexpr double kCpuIsFull = 0.95;        // one CPU that does nothing else, and squeezes

// Why the host as a whole suffers; empty: it does not.
[[nodiscard]] std::string suffering_of(const HostLoad& load);

}  // namespace fw::engine
