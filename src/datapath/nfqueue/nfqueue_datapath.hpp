// SPDX-License-Identifier: MIT
// The datapath in user space, for a kernel that gives us no XDP: rules of our own divert every
// packet of an interface into queues, one per CPU with a thread each, where the same policy judges
// it. What that costs and cannot see: docs/datapaths.md. It ends with the daemon: then, and when
// it is too slow, packets pass unseen (fail open), and interfaces() says how many did, those that
// passed after a former daemon was killed among them.
//
// It sees, of what arrives, IP packets only, as the kernel's IP layer was given them: no VLAN tags
// (name the VLAN's interface), segments that were merged as one packet, no malformed headers (the
// kernel dropped those). It sees, of what this host sends, TCP segments with SYN (so that the
// handshake proves a flow) and every packet of other protocols, but nothing that is forwarded.
#pragma once

#include <filesystem>
#include <memory>

#include "datapath/datapath.hpp"
#include "datapath/nfqueue/rules.hpp"
#include "datapath/user/tables.hpp"

namespace fw::datapath::nfqueue {

struct Options {
  TableSizes sizes;
  // It and the next ones: one per CPU (at most 8), and one for egress. If another program has one
  // of them, the block of 16 above is tried, and so on.
  std::uint16_t first_queue = 4300;
  unsigned blocks = 16;
  std::filesystem::path ledger;  // see ledger.hpp
};

// Binds the queues, removes what a former daemon left of its rules and starts the threads; nothing
// is diverted before attach(). Errors name the queue number that is taken, or what the kernel or
// the rights lack. Destroying it removes the rules.
[[nodiscard]] Result<std::unique_ptr<Datapath>> open(const Options& options);

}  // namespace fw::datapath::nfqueue
