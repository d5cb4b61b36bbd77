// SPDX-License-Identifier: MIT
// Is there a proxy or CDN in front of this host? What the configuration of its web server says is
// sure; what its connections look like is a guess.
//
// Thread rule: free functions without state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/sockets.hpp"

namespace fw::host {

// A line by which a web server takes the client's address from a proxy that it trusts.
struct TrustedProxy {
  std::string proxy;  // as written: an address, prefix or name
  std::string where;  // "/etc/nginx/nginx.conf:12"
};

// From the files of nginx (set_real_ip_from) and Apache (RemoteIPTrustedProxy,
// RemoteIPInternalProxy) below `folders`. Reads at most some hundred files and returns at most some
// hundred lines; what cannot be read is left out.
[[nodiscard]] std::vector<TrustedProxy> trusted_proxies(
    std::span<const std::filesystem::path> folders);
[[nodiscard]] std::vector<TrustedProxy> trusted_proxies();  // below /etc

// Many connections to the web ports from very few peers.
struct FewPeers {
  std::size_t connections = 0, peers = 0;
};
// Nothing if the connections look like those of users, or are too few to tell.
[[nodiscard]] std::optional<FewPeers> few_web_peers(std::span<const Socket> connections);

}  // namespace fw::host
