// SPDX-License-Identifier: MIT
#include "daemon/pressure.hpp"

#include <netinet/in.h>

#include <algorithm>

namespace fw::daemon {
namespace {

// A counter that was read at different times for two CPUs may seem to step back.
double rate(std::uint64_t was, std::uint64_t is, double seconds) {
  return is > was ? static_cast<double>(is - was) / seconds : 0;
}

}  // namespace

std::uint64_t PressureMeter::pause_ns(std::chrono::nanoseconds cost) {
  return std::min(kLongestNs, kShareOfTime * static_cast<std::uint64_t>(
                                                 std::max<std::int64_t>(cost.count(), 0)));
}

engine::HostLoad PressureMeter::measure(const std::vector<host::Socket>& sockets,
                                        const host::Pressure& pressure, const Now& now) {
  const bool first = at_ns_ == 0 || at_ns_ >= now.mono_ns;
  const double seconds = first ? 1 : static_cast<double>(now.mono_ns - at_ns_) / kSecond;
  const host::Pressure before = std::exchange(pressure_, pressure);
  const auto drops = std::exchange(drops_, {});
  at_ns_ = now.mono_ns;

  engine::HostLoad load;
  std::uint64_t udp_drops = 0;
  for (const host::Socket& socket : sockets) {
    const auto known = drops.find(socket.inode);
    const std::uint32_t lost = known == drops.end() ? 0 : socket.drops - known->second;
    drops_[socket.inode] = socket.drops;
    if (socket.proto == IPPROTO_UDP) udp_drops += lost;
    const double fill =
        socket.queue_limit == 0 ? 0 : static_cast<double>(socket.queued) / socket.queue_limit;
    if (lost == 0 && fill < engine::kQueueIsShort) continue;
    load.sockets.push_back({.local = socket.local,
                            .port = socket.local_port,
                            .udp = socket.proto == IPPROTO_UDP,
                            .lost_pps = lost / seconds,
                            .queue_fill = fill});
  }
  if (first) return load;
  // A socket's drops include datagrams with a wrong checksum, which are no sign of suffering.
  const std::uint64_t full =
      pressure.udp_full > before.udp_full ? pressure.udp_full - before.udp_full : 0;
  if (full < udp_drops)
    for (engine::SocketLoad& socket : load.sockets)
      if (socket.udp) socket.lost_pps *= static_cast<double>(full) / static_cast<double>(udp_drops);
  std::uint64_t softirq = 0, all = 0;
  for (std::size_t i = 0; i < std::min(pressure.cpus.size(), before.cpus.size()); i++) {
    const std::uint64_t of_softirq = pressure.cpus[i].softirq - before.cpus[i].softirq;
    const std::uint64_t of_all = pressure.cpus[i].all - before.cpus[i].all;
    softirq += of_softirq;
    all += of_all;
    if (of_all > 0)
      load.busiest_softirq = std::max(
          load.busiest_softirq, static_cast<double>(of_softirq) / static_cast<double>(of_all));
  }
  if (all > 0) load.softirq_share = static_cast<double>(softirq) / static_cast<double>(all);
  load.backlog_drops_pps = rate(before.backlog_drops, pressure.backlog_drops, seconds);
  load.squeezes_pps = rate(before.squeezes, pressure.squeezes, seconds);
  load.ring_drops_pps = rate(before.ring_drops, pressure.ring_drops, seconds);
  load.udp_read_pps = rate(before.udp_read, pressure.udp_read, seconds);
  load.conntrack_drops_pps = rate(before.conntrack_drops, pressure.conntrack_drops, seconds);
  return load;
}

}  // namespace fw::daemon
