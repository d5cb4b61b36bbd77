// SPDX-License-Identifier: MIT
// The rules that divert packets into our queues: a table of our own where nftables has `queue`
// (inet floodwall), else chains of our own in iptables' and ip6tables' table raw, and one jump per
// interface to them. Nobody else's rule is ever touched. Every rule bypasses the queue while
// nobody is bound to it, so rules that were left behind let everything pass.
//
// Ingress: every packet of the interface, before connection tracking, at the first hook that
// exists for IP. Egress: what this host itself sends there, of TCP only segments with SYN, of
// other protocols every packet.
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

// The texts, apart from who runs them. For `nft -f -`: replaces the table, whatever it held.
[[nodiscard]] std::string nft_rules(const InterfaceNames& interfaces, const QueueNumbers& queues);
// For `iptables-restore --noflush`: replaces our chains and jumps, and only those; no interface:
// removes them. `listing` is what `iptables -t raw -S` says now. Empty: there is nothing to do.
[[nodiscard]] std::string iptables_rules(std::string_view listing, const InterfaceNames& interfaces,
                                         const QueueNumbers& queues);
// Whether the rules of exactly these interfaces stand in such a listing.
[[nodiscard]] bool has_iptables_rules(std::string_view listing, const InterfaceNames& interfaces);

class Rules {
 public:
  explicit Rules(QueueNumbers queues) : queues_(queues) {}

  // From now on exactly these interfaces are diverted, whatever a former daemon left. After an
  // error as good as nothing is: all that could be removed is.
  [[nodiscard]] Result<void> divert(const InterfaceNames& interfaces);
  // Whether they still are: others flush tables, too.
  [[nodiscard]] bool stand(const InterfaceNames& interfaces) const;
  // "nftables" or "iptables"; empty before the first divert().
  [[nodiscard]] std::string_view backend() const;

 private:
  enum class Backend { nft, iptables };

  QueueNumbers queues_;
  std::optional<Backend> backend_;
};

// How many packets our ingress rules have matched, whoever put them there; 0 without rules.
[[nodiscard]] std::uint64_t matched_packets();
// The texts again: of `nft list table inet floodwall` or `iptables -t raw -v -S`.
[[nodiscard]] std::uint64_t nft_matched(std::string_view listing);
[[nodiscard]] std::uint64_t iptables_matched(std::string_view listing);

// Removes all rules of ours, whoever put them there. Returns whether there were any.
[[nodiscard]] Result<bool> remove_rules();

}  // namespace fw::datapath::nfqueue
