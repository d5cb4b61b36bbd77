// SPDX-License-Identifier: MIT
// Exemptions (addresses the host needs, found by the daemon) and allowances (by the operator, for a
// while): both are entries whose packets are never dropped. Allow entries without an end are in
// list files (list_set.hpp).
//
// Invariant: each has an entry of its kind in the datapath, except inside a forced ban. There it is
// suspended, because in the datapath such an entry wins over any ban.
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
#include "engine/kept/kept.hpp"

namespace fw::engine {

struct Exemption {
  Address address;
  std::string why;   // "default gateway, DHCP server"
  bool own = false;  // an address of this host, which no arriving packet comes from
};

struct Allowance {
  std::uint64_t until_ns = 0;
  std::string comment;
};

class Protected {
 public:
  // All are borrowed and outlive it. `forced`: the forced bans, which suspend.
  Protected(AccessTable& entries, Journal& journal, const PrefixMap<bool>& forced)
      : entries_(entries), journal_(journal), forced_(forced) {}

  // From now on exactly these are exempt. None may have an unforced ban of its own: the entry would
  // be overwritten. An error names the first that found no room; the others are in force.
  [[nodiscard]] Result<void> set_exemptions(std::span<const Exemption> exemptions, const Now& now);

  // Allows a prefix for a while, or extends its allowance. False if it lasts longer already. The
  // prefix's length is listed already (AccessTable), and it has no ban.
  [[nodiscard]] Result<bool> allow(const Prefix& prefix, const Allowance& allowance,
                                   const Now& now);
  // False if there was none.
  bool unallow(const Prefix& prefix, std::string_view reason, const Now& now);
  void expire(const Now& now);

  // Entries left by a former daemon. Exemptions stay in force until the next set_exemptions().
  void adopt(const fw_entry& entry, const Now& now);
  // Puts an allowance again that was kept; `tables_tell` as in Bans::restore(). False: no room.
  [[nodiscard]] bool restore(const Prefix& prefix, Allowance kept, bool tables_tell,
                             const Now& now);
  // Hands out what changed since the last call, up to `most` rows "allow PREFIX".
  void take_changes(std::size_t most, const KeptClock& clock, KeptRows& rows);
  void write_all() {
    for (const auto& allowance : allowances_) unwritten_.changed(allowance.first);
  }
  [[nodiscard]] std::size_t unwritten() const { return unwritten_.size(); }
  // The machine slept: every end comes so much sooner.
  void slept(std::uint64_t span_ns, const Now& now);

  // Puts and erases entries until they are as desired; returns how many were not.
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
  // The bits that its entry has beside the kind.
  [[nodiscard]] std::uint8_t flags_of(const Prefix& prefix, std::uint8_t kind) const;
  [[nodiscard]] Result<void> put(const Prefix& prefix, std::uint8_t kind, std::uint64_t until_ns,
                                 const Now& now);
  // True if the entry had to be put or erased.
  bool sync_one(const Prefix& prefix, std::uint8_t kind, std::uint64_t until_ns, const Now& now);

  AccessTable& entries_;
  Journal& journal_;
  const PrefixMap<bool>& forced_;
  PrefixMap<std::string> exemptions_;  // and why
  std::set<Prefix> own_;               // those that are addresses of this host
  PrefixMap<Allowance> allowances_;
  std::set<std::pair<std::uint64_t, Prefix>> deadlines_;  // of allowances_
  std::set<Prefix> inherited_;                            // exempt by a former daemon
  Unwritten unwritten_;                                   // of allowances_
};

}  // namespace fw::engine
