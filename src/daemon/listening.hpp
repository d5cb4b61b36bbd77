// SPDX-License-Identifier: MIT
// Which ports of this host a socket waits on, as the kernel knows it: a service is none the less
// one for never having answered anybody (syslog, netflow), or not yet.
#pragma once

#include <span>
#include <vector>

#include "base/error.hpp"
#include "datapath/datapath.hpp"
#include "host/sockets.hpp"

namespace fw::daemon {

// Writes into the table `served` what is listened on now, and takes out what is not any more; that
// a port answers stays. It is deep if one of its sockets is. Sockets of loopback addresses are not
// reached from elsewhere.
void note_listening(std::span<fw_port_line> served, const std::vector<host::Socket>& listeners);

// The same, with what the kernel says of the caller's network namespace. After an error the table
// is as it was.
[[nodiscard]] Result<void> follow_listeners(datapath::Datapath& datapath);

}  // namespace fw::daemon
