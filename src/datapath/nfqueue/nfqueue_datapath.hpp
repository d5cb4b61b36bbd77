// SPDX-License-Identifier: MIT
// The datapath in user space, for kernels without XDP. Packet filter rules divert every packet of
// an interface into queues, one per CPU with a thread each, where the same policy judges it. Costs
// and limits: docs/datapaths.md. It ends with the daemon: then, and when it is too slow, packets
// pass unseen (fail open). interfaces() has their number, including those that passed after a
// former daemon was killed.
//
// Ingress: IP packets only, as the kernel's IP layer received them: without VLAN tags (attach to
// the VLAN's interface), merged segments as one packet, no malformed headers (the kernel dropped
// them). Egress: TCP segments with SYN (so that handshakes verify flows) and every packet of other
// protocols; nothing that is forwarded.
#pragma once

#include <filesystem>
#include <memory>

#include "datapath/datapath.hpp"
#include "datapath/nfqueue/rules.hpp"
#include "datapath/user/tables.hpp"

namespace fw::datapath::nfqueue {

struct Options {
  TableSizes sizes;
  // The first of consecutive queue numbers: one per CPU (at most 8), and one for egress. If another
  // program has one of them, the block of 16 above is tried, and so on.
  std::uint16_t first_queue = 4300;
  unsigned blocks = 16;
  std::filesystem::path ledger;  // see ledger.hpp
};

// Binds the queues, removes rules that a former daemon left, and starts the threads. Nothing is
// diverted before attach(). Errors name the queue number that is taken, or what the kernel or the
// rights lack. The destructor removes the rules.
[[nodiscard]] Result<std::unique_ptr<Datapath>> open(const Options& options);

}  // namespace fw::datapath::nfqueue
