// SPDX-License-Identifier: MIT
// Nested prefixes in a std::map<Prefix, T>, which is ordered by address and then by length: which
// entries lie inside a prefix, and which one covers it.
#pragma once

#include <algorithm>
#include <bit>
#include <map>

#include "base/address.hpp"

namespace fw::engine {

template <typename T>
using PrefixMap = std::map<Prefix, T>;

[[nodiscard]] inline unsigned common_bits(const Address& a, const Address& b) {
  if (a.hi != b.hi) return static_cast<unsigned>(std::countl_zero(a.hi ^ b.hi));
  return 64 + static_cast<unsigned>(std::countl_zero(a.lo ^ b.lo));
}

// The longest entry that contains `prefix` (itself included), or end().
//
// Every entry that contains `prefix` sorts at or before it. If the nearest one before it does not
// contain it, an entry that does spans the addresses of both, so it is no longer than the bits that
// these have in common: the next step looks there.
template <typename Map>
[[nodiscard]] auto find_covering(Map& map, const Prefix& prefix) {
  Prefix key = prefix;
  for (;;) {
    auto at = map.upper_bound(key);
    if (at == map.begin()) return map.end();
    --at;
    if (at->first.contains(prefix)) return at;
    if (at->first.bits == 0) return map.end();  // ::/0, which contains no IPv4 prefix
    const unsigned shared =
        std::min({common_bits(at->first.address, prefix.address), prefix.bits, at->first.bits - 1});
    key = {.address = masked(prefix.address, shared), .bits = shared};
  }
}

// Calls `visit` with each entry that lies inside `prefix` (itself included), in order.
template <typename Map, typename Visit>
void for_each_inside(Map& map, const Prefix& prefix, Visit visit) {
  // The IPv4 prefixes lie between the IPv6 ones, and no IPv6 prefix contains them.
  const auto is_between = [&](const Address& address) {
    return masked(address, prefix.bits) == prefix.address;
  };
  for (auto at = map.lower_bound(prefix); at != map.end() && is_between(at->first.address); ++at)
    if (prefix.contains(at->first)) visit(*at);
}

}  // namespace fw::engine
