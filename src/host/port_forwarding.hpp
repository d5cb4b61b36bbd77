// SPDX-License-Identifier: MIT
// Do connections that are addressed to this host go somewhere else (Docker's published ports)? Who
// answers a SYN for a listener must know: its client's next packet may never reach that listener.
//
// Thread rule: a free function without state.
#pragma once

#include "base/error.hpp"

namespace fw::host {

// True if any rule of nftables or iptables in the caller's network namespace gives packets another
// destination (DNAT, redirect, TPROXY), whichever port it is for. Fails when the kernel has rules
// and does not tell them.
[[nodiscard]] Result<bool> forwards_ports();

}  // namespace fw::host
