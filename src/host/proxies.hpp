// SPDX-License-Identifier: MIT
// Whether a proxy or CDN stands in front of this host's web servers, judged by who is connected to
// them. A known CDN is told by its published prefixes, any other proxy by its few addresses.
//
// Thread rule: free function without state.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "host/sockets.hpp"

namespace fw::host {

struct ProxyInFront {
  enum class Certainty { none, perhaps, sure };

  Certainty certainty = Certainty::none;
  std::string name{};                 // "Cloudflare"; empty: not a known one
  unsigned connections = 0, all = 0;  // through it, of all that clients have with web ports
  std::vector<Prefix> prefixes{};     // its own that were seen; sorted
};

// `connections` as of connected_sockets(); only those to ports 80, 443, 8080 and 8443 count, and no
// connections of this host with itself. Below 20 of them nothing is said.
[[nodiscard]] ProxyInFront proxy_in_front(std::span<const Socket> connections,
                                          std::span<const Socket> listeners);

}  // namespace fw::host
