// SPDX-License-Identifier: MIT
// The rules that divert packets into our queues: the nftables table "inet floodwall" where nftables
// has `queue`, else two chains in the table raw of iptables and ip6tables, with a jump per
// interface. No rule of anybody else is changed. Every rule bypasses the queue while no process is
// bound to it, so rules that were left behind let everything pass.
//
// Ingress: every packet of the interface, before connection tracking, at the first hook for IP.
// Egress: packets that this host sends; of TCP only segments with SYN.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace fw::datapath::nfqueue {

struct QueueNumbers {
  std::uint16_t first = 4300;  // ingress: first ... first + ingress - 1
  unsigned ingress = 1;

  [[nodiscard]] unsigned egress() const { return first + ingress; }
};
using InterfaceNames = std::set<std::string>;

// Scripts; nothing is run. For `nft -f -`: replaces the table.
[[nodiscard]] std::string nft_rules(const InterfaceNames& interfaces, const QueueNumbers& queues);
// For `iptables-restore --noflush`: replaces our chains and jumps, or removes them if there are no
// interfaces. `listing` is what `iptables -t raw -S` prints now. Empty: there is nothing to do.
[[nodiscard]] std::string iptables_rules(std::string_view listing, const InterfaceNames& interfaces,
                                         const QueueNumbers& queues);
// Whether such a listing has the rules of exactly these interfaces.
[[nodiscard]] bool has_iptables_rules(std::string_view listing, const InterfaceNames& interfaces);

class Rules {
 public:
  explicit Rules(QueueNumbers queues) : queues_(queues) {}

  // Diverts exactly these interfaces, whatever a former daemon left. After an error all rules that
  // could be removed are removed.
  [[nodiscard]] Result<void> divert(const InterfaceNames& interfaces);
  // Whether the rules still exist: other programs may flush tables.
  [[nodiscard]] bool are_in_place(const InterfaceNames& interfaces) const;
  // "nftables" or "iptables"; empty before the first divert().
  [[nodiscard]] std::string_view backend() const;

 private:
  enum class Backend { nft, iptables };

  QueueNumbers queues_;
  std::optional<Backend> backend_;
};

// How many packets Floodwall's ingress rules have matched, also those of a former daemon; 0 without
// rules.
[[nodiscard]] std::uint64_t matched_packets();
// The same, read from `nft list table inet floodwall` or `iptables -t raw -v -S`.
[[nodiscard]] std::uint64_t nft_matched(std::string_view listing);
[[nodiscard]] std::uint64_t iptables_matched(std::string_view listing);

// Removes all of Floodwall's rules, also those of a former daemon. Returns whether there were any.
[[nodiscard]] Result<bool> remove_rules();

}  // namespace fw::datapath::nfqueue
