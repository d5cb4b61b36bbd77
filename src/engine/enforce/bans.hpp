// SPDX-License-Identifier: MIT
// The bans: who, until when, why, and who said so. An operator's come in here and go to the
// entries; the datapath's own come from its events, are made longer for repeat offenders, renew
// themselves in the datapath while the flood goes on, and are found to have ended here.
//
// Invariants: every ban is an entry of kind FW_ENTRY_BAN (the audit repairs what is not), and a ban
// with an end is in deadlines_ under the end that was last seen. The datapath moves ends only
// forward, so a deadline that comes up is either over or renewed; or it is stale, for nothing is
// taken out when a ban is lifted or moved: what no ban has as its end is passed over.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/enforce/access_table.hpp"
#include "engine/enforce/offences.hpp"
#include "engine/enforce/prefix_map.hpp"
#include "engine/journal/journal.hpp"
#include "engine/journal/measured.hpp"
#include "engine/settings/settings.hpp"

namespace fw::engine {

enum class BannedBy : std::uint8_t { operator_, limit };

struct Ban {
  BannedBy by = BannedBy::operator_;
  bool forced = false;          // although it is exempt or allowed: those are suspended meanwhile
  bool observed = false;        // made in mode observe: nothing was dropped for it
  unsigned offence = 0;         // which one within ban.memory; 0: an operator's ban
  std::uint32_t hold_ms = 0;    // of one renewal; 0: it is not renewed
  std::uint32_t ban_above = 0;  // with rule_index and metric: what the datapath renews it by
  std::uint8_t rule_index = 0, metric = 0;
  std::uint64_t since_ns = 0, until_ns = 0;  // as last seen
  std::string rule;                          // the limit's; empty: an operator's
  std::string reason;                        // the operator's words
  std::optional<Measured> measured;
};

class Bans {
 public:
  // All are borrowed and outlive it.
  Bans(AccessTable& entries, Journal& journal, Offences& offences, const Settings& settings)
      : entries_(entries), journal_(journal), offences_(offences), settings_(settings) {}

  struct Order {
    std::uint64_t until_ns = 0;  // FW_FOREVER
    std::string reason;
    bool forced = false;
  };
  struct Ordered {
    bool changed = false;  // false: what was in force lasts longer anyway
    std::uint64_t until_ns = 0;
  };
  // An operator's ban. A ban in force is extended, never shortened. The prefix's length is admitted
  // already. Fails when the table is full.
  [[nodiscard]] Result<Ordered> order(const Prefix& prefix, const Order& order, const Now& now);

  // Ends a ban; false if there was none. `reason`: "operator", "allowed", "exempt", "mode".
  bool lift(const Prefix& prefix, std::string_view reason, const Now& now);
  // Ends those that limits made in mode observe: they were only would-be ones.
  void lift_observed(const Now& now);

  // The datapath reports a ban that it made.
  void on_event(const fw_event& event, const Now& now);
  // Ends those whose time is over, follows those that were renewed.
  void expire(const Now& now);

  // An entry in force that is known from nowhere: left by a former daemon, or its event was lost.
  void adopt(const fw_entry& entry, const Now& now);
  // Puts the entry again if it has vanished from the table; true if it had.
  [[nodiscard]] bool repair(const Prefix& prefix, const Ban& ban, const Now& now);
  // Puts all of them into a table that has none.
  [[nodiscard]] Result<void> refill(const Now& now);

  [[nodiscard]] const PrefixMap<Ban>& all() const { return bans_; }
  // Those that stand against an exemption or allowance.
  [[nodiscard]] const PrefixMap<bool>& forced() const { return forced_; }
  // Counts the changes of forced().
  [[nodiscard]] std::uint64_t forced_changes() const { return forced_changes_; }
  // As the datapath has it now.
  [[nodiscard]] std::uint64_t until_ns(const Prefix& prefix, const Ban& ban) const;
  [[nodiscard]] std::uint64_t dropped(const Prefix& prefix) const;
  // What its sources send now, in the metric of the ban; packets or bytes per second.
  [[nodiscard]] std::uint64_t rate(const Prefix& prefix, const Now& now) const;

 private:
  using Map = PrefixMap<Ban>;
  using Deadline = std::pair<std::uint64_t, Prefix>;
  using Deadlines = std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>>;
  // The ban as the datapath has it now, adopted if it was not known; false: none is in force, and
  // there it would be.
  std::pair<Map::iterator, bool> place_in_force(const Prefix& prefix, const Now& now);
  void set_forced(const Prefix& prefix, bool forced);
  void set_until(const Prefix& prefix, Ban& ban, std::uint64_t until_ns);
  void drop_stale_deadlines();
  void close(Map::iterator at, std::string_view reason, const Now& now);
  void open_limit_ban(const Prefix& prefix, const fw_entry& entry, const fw_event& event,
                      const Now& now);
  // Makes the entry of a repeat offender hold longer; returns the entry as it is in force.
  fw_entry escalate(const fw_entry& entry, unsigned factor, const Now& now);

  AccessTable& entries_;
  Journal& journal_;
  Offences& offences_;
  const Settings& settings_;
  Map bans_;
  Deadlines deadlines_;
  PrefixMap<bool> forced_;
  std::uint64_t forced_changes_ = 0;
};

// "forever", or "60s" from now.
[[nodiscard]] std::string for_field(std::uint64_t until_ns, std::uint64_t now_ns);
// Adds without passing FW_FOREVER.
[[nodiscard]] std::uint64_t deadline_ns(std::uint64_t now_ns, std::uint64_t span_ns);

}  // namespace fw::engine
