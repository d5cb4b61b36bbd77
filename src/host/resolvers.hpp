// SPDX-License-Identifier: MIT
// The DNS and DHCP servers that this host uses, from resolv.conf and lease files. Other programs
// write these files, partly from what the network sent: unknown or broken content is skipped and
// never an error, and the number of addresses per file is limited.
//
// Thread rule: free functions without state.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/address.hpp"

namespace fw::host {

struct ResolverPaths {
  std::filesystem::path resolv_conf = "/etc/resolv.conf";
  // Read too if resolv_conf names a resolver on this host.
  std::filesystem::path resolved_conf = "/run/systemd/resolve/resolv.conf";
  // Folders with lease files of systemd-networkd, dhclient, NetworkManager and dhcpcd.
  std::vector<std::filesystem::path> lease_folders = {
      "/run/systemd/netif/leases", "/var/lib/dhcp",   "/var/lib/dhclient",
      "/var/lib/NetworkManager",   "/var/lib/dhcpcd", "/var/lib/dhcpcd5"};
};

struct NetworkServer {
  Address address;
  std::filesystem::path source;  // the file that names it
};

// In the order of the files; an address that two files name is in it twice. Includes loopback.
[[nodiscard]] std::vector<NetworkServer> dns_servers(const ResolverPaths& paths);
// In the order of the folders, then of the file names.
[[nodiscard]] std::vector<NetworkServer> dhcp_servers(const ResolverPaths& paths);

// The "nameserver" lines of resolv.conf(5), without zones ("%eth0").
[[nodiscard]] std::vector<Address> parse_resolv_conf(std::string_view text);

// The DHCP server identifiers in a lease file of any known kind. The content tells the kinds apart:
//   SERVER_ADDRESS=10.0.0.1                          systemd-networkd, NetworkManager
//   lease { option dhcp-server-identifier 10.0.0.1; }  dhclient.leases(5): of several leases of an
//                                                    interface only the last one counts
//   a BOOTP reply in wire format, option 54          dhcpcd (RFC 2131 section 2, RFC 2132 9.7)
[[nodiscard]] std::vector<Address> parse_lease(std::string_view content);

}  // namespace fw::host
