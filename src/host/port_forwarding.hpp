// SPDX-License-Identifier: MIT
// Whether rules of this host forward connections that are addressed to it (Docker's published
// ports). SYN cookies must not be used then: the client's next packet may never reach the local
// listener.
//
// Thread rule: a free function without state.
#pragma once

#include "base/error.hpp"

namespace fw::host {

// True if any rule of nftables or iptables in the caller's network namespace gives packets another
// destination (DNAT, redirect, TPROXY), for whichever port. Fails if the kernel has rules that
// cannot be read.
[[nodiscard]] Result<bool> forwards_ports();

}  // namespace fw::host
