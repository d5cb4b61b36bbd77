// SPDX-License-Identifier: MIT
#include "engine/detect/host_load.hpp"

#include <fmt/format.h>

namespace fw::engine {

std::string suffering_of(const HostLoad& load) {
  if (load.ring_drops_pps >= kHostLosesPps)
    return fmt::format("the interface drops {:.0f} packets/s, its ring is full",
                       load.ring_drops_pps);
  if (load.backlog_drops_pps >= kHostLosesPps)
    return fmt::format("the kernel drops {:.0f} packets/s, its backlog is full",
                       load.backlog_drops_pps);
  if (load.conntrack_drops_pps >= kHostLosesPps)
    return fmt::format("conntrack drops {:.0f} packets/s", load.conntrack_drops_pps);
  if (load.softirq_share >= kSoftirqIsTooMuch)
    return fmt::format("{:.0f} % of the CPU time goes into receiving packets",
                       100 * load.softirq_share);
  if (load.busiest_softirq >= kCpuIsFull && load.squeezes_pps >= kHostLosesPps)
    return fmt::format("one CPU does nothing but receive packets ({:.0f} %)",
                       100 * load.busiest_softirq);
  return "";
}

}  // namespace fw::engine
