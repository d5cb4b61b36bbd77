// SPDX-License-Identifier: MIT
// Which routing tables are looked up, and which interfaces a next-hop object leads to.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"
#include "host/netlink.hpp"

namespace fw::host {

// The tables that rules of a family look up; `l3mdev`: those of VRFs as well.
struct LookedUp {
  std::set<unsigned> tables_v4, tables_v6;
  bool l3mdev_v4 = false, l3mdev_v6 = false;
};
// A kernel without policy routing has no rules: then main and default are looked up.
[[nodiscard]] Result<LookedUp> read_rules(Netlink& netlink);

struct NextHop {
  unsigned index = 0;  // of the interface
  bool has_gateway = false;
  Address gateway{};
};
// The next hops by the number of their object, groups resolved (nexthop in ip-nexthop(8)). Empty on
// a kernel without them.
using NextHops = std::map<unsigned, std::vector<NextHop>>;
[[nodiscard]] Result<NextHops> read_next_hops(Netlink& netlink);

}  // namespace fw::host
