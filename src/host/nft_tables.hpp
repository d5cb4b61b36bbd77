// SPDX-License-Identifier: MIT
// The tables of nftables in the caller's network namespace, iptables-nft's among them.
//
// Thread rule: free function without state.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace fw::host {

// "inet filter", "ip nat": those with a rule, in the kernel's order, without Floodwall's own. None
// on a kernel without nftables. The error kind is not_permitted for a caller without CAP_NET_ADMIN.
[[nodiscard]] Result<std::vector<std::string>> nft_tables();

}  // namespace fw::host
