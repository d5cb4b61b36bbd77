// SPDX-License-Identifier: MIT
// What the kernel's sockets tell the datapath: which flows are established already, and on which
// ports a service waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "abi/configuration.h"
#include "base/error.hpp"
#include "base/now.hpp"
#include "datapath/interface_status.hpp"
#include "host/network.hpp"
#include "host/sockets.hpp"

namespace fw::daemon {

// Enters the flows of connected sockets as established, so that no session breaks because Floodwall
// starts, not even during an attack; returns how many. Call it before packets are judged. After an
// error none was entered.
[[nodiscard]] Result<std::size_t> establish_flows(datapath::Datapath& datapath, const Now& now);

// Marks the ports on which sockets listen as served, and unmarks the others; that a port has
// answered stays marked. A service need not have answered anybody (syslog, netflow), or not yet. A
// port has a large receive buffer if one of its sockets has. Sockets on loopback addresses do not
// count: no packet from elsewhere reaches them.
void mark_listening(std::span<fw_port_line> served, const std::vector<host::Socket>& listeners,
                    const std::set<std::uint8_t>& protocols = {});

}  // namespace fw::daemon
