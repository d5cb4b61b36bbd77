// SPDX-License-Identifier: MIT
// Who is never dropped, by entry: the host's own exemptions (found by the daemon) and the
// operator's allowances with an end. (Allow entries without one live in list files: list_set.hpp.)
//
// Invariant: each has an entry of its kind, but for those inside a forced ban: they are suspended,
// for in the datapath these entries win over any ban.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/enforce/access_table.hpp"
#include "engine/enforce/prefix_map.hpp"
#include "engine/journal/journal.hpp"

namespace fw::engine {

struct Exemption {
  Address address;
  std::string why;  // "default gateway, DHCP server"
};

struct Allowance {
  std::uint64_t until_ns = 0;
  std::string comment;
};

class Protected {
 public:
  // All are borrowed and outlive it; `forced` are the bans that suspend.
  Protected(AccessTable& entries, Journal& journal, const PrefixMap<bool>& forced)
      : entries_(entries), journal_(journal), forced_(forced) {}

  // From now on exactly these are exempt. None has a ban of its own that is not forced: its entry
  // would be overwritten. An error names the first that found no room; the others are in force.
  [[nodiscard]] Result<void> set_exemptions(std::span<const Exemption> exemptions, const Now& now);

  // Allows a prefix for a while; one that is allowed is extended. False if it lasts longer anyway.
  // The prefix's length is admitted already, and it has no ban.
  [[nodiscard]] Result<bool> allow(const Prefix& prefix, const Allowance& allowance,
                                   const Now& now);
  // False if there was none.
  bool unallow(const Prefix& prefix, std::string_view reason, const Now& now);
  void expire(const Now& now);

  // Entries left by a former daemon. Exemptions stay in force until the next set_exemptions().
  void adopt(const fw_entry& entry, const Now& now);
  // Makes the entries what they should be; returns how many were not.
  std::size_t sync(const Now& now);
  // Should this entry of an exemption or allowance be there?
  [[nodiscard]] bool wants(const fw_entry& entry) const;

  [[nodiscard]] const PrefixMap<std::string>& exemptions() const { return exemptions_; }
  [[nodiscard]] const PrefixMap<Allowance>& allowances() const { return allowances_; }
  [[nodiscard]] bool suspended(const Prefix& prefix) const {
    return find_covering(forced_, prefix) != forced_.end();
  }

 private:
  [[nodiscard]] bool is_exempt(const Prefix& prefix) const {
    return exemptions_.contains(prefix) && !suspended(prefix);
  }
  [[nodiscard]] Result<void> put(const Prefix& prefix, std::uint8_t kind, std::uint64_t until_ns,
                                 const Now& now);
  // True if the entry had to be put or erased.
  bool sync_one(const Prefix& prefix, std::uint8_t kind, std::uint64_t until_ns, const Now& now);

  AccessTable& entries_;
  Journal& journal_;
  const PrefixMap<bool>& forced_;
  PrefixMap<std::string> exemptions_;  // to why
  PrefixMap<Allowance> allowances_;
  std::set<std::pair<std::uint64_t, Prefix>> deadlines_;  // of allowances_
  std::set<Prefix> left_over_;                            // exempt by a former daemon
};

}  // namespace fw::engine
