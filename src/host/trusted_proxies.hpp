// SPDX-License-Identifier: MIT
// The proxies in front of this host that its web server's configuration names. What connections say
// of it: proxies.hpp.
//
// Thread rule: free functions without state.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

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

}  // namespace fw::host
