// SPDX-License-Identifier: MIT
// The bans and restrictions (called bans, too, where both are meant): of whom, until when, why, and
// by whom. Bans of the operator begin here and become entries. Bans of the datapath become known by
// its events; they are made longer for repeat offenders, renewed by the datapath while the flood
// lasts, and ended here.
//
// Invariants: every ban has an entry of kind FW_ENTRY_BAN (the audit repairs that), and every ban
// with an end is in deadlines_ under the end that was last read. The datapath moves ends only
// forward, so a deadline that comes up is over or was renewed. Deadlines of bans that were lifted
// or extended stay in the queue: one that equals the end of no ban is stale and skipped.
#pragma once

#include <chrono>
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
#include "engine/kept/kept.hpp"
#include "engine/settings/settings.hpp"

namespace fw::engine {

enum class BannedBy : std::uint8_t { operator_, limit };

struct Ban {
  BannedBy by = BannedBy::operator_;
  bool forced = false;          // of an exempt or allowed prefix, whose protection it suspends
  bool restricted = false;      // spares what this host asked for
  bool observed = false;        // made in mode observe: it drops nothing
  unsigned offence = 0;         // which one within ban.memory; 0: an operator's ban
  std::uint32_t hold_ms = 0;    // a renewal lasts so long; 0: it is not renewed
  std::uint32_t ban_above = 0;  // the datapath renews it above this, by rule_index and metric
  std::uint8_t rule_index = 0, metric = 0;
  std::uint64_t since_ns = 0, until_ns = 0;  // as last read
  std::string rule;                          // the limit's; empty: an operator's
  std::string reason;                        // the operator's words
  std::optional<Measured> measured;
  // Packets counted for it while the mode was observe, up to the last change of mode; and all that
  // were counted when observe last began.
  std::uint64_t observed_drops = 0, before_observe = 0;
  std::uint64_t older_ns = 0;  // so much longer ago did it begin: the machine slept, or was off
  // Whether it is in the store. Skipped: there are too many of them.
  enum class Written : std::uint8_t { no, yes, skipped } written = Written::no;
};

// The entry that it has in the datapath's table.
[[nodiscard]] fw_entry entry_of(const Prefix& prefix, const Ban& ban);
// The event of its end.
[[nodiscard]] EventType ended(bool restricted);
// When it began, as people read it.
[[nodiscard]] std::chrono::system_clock::time_point began_at(const Ban& ban, const Now& now);

class Bans {
 public:
  // Judgement: bans by limits that are kept over a restart; 100 MB in the store. Operators' all
  // are.
  static constexpr std::size_t kMaxWritten = 500'000;

  // All are borrowed and outlive it.
  Bans(AccessTable& entries, Journal& journal, Offences& offences, const Settings& settings)
      : entries_(entries), journal_(journal), offences_(offences), settings_(settings) {}

  struct Order {
    std::uint64_t until_ns = 0;  // FW_FOREVER
    std::string reason;
    bool forced = false;
    bool restricted = false;
  };
  struct Ordered {
    bool changed = false;    // false: the ban in force lasts longer
    bool explained = false;  // ... and has the order's reason now
    std::uint64_t until_ns = 0;
  };
  // An operator's ban. A ban in force is extended, never shortened, and takes the new reason. The
  // prefix's length is listed already (AccessTable). Fails when the table is full.
  [[nodiscard]] Result<Ordered> order(const Prefix& prefix, const Order& order, const Now& now);

  // Ends a ban; false if there was none. `reason`: "operator", "allowed", "exempt", "mode".
  bool lift(const Prefix& prefix, std::string_view reason, const Now& now);
  // The mode is about to become observe, or another one. Drops are counted apart from now on.
  void begin_observe(bool observe);
  // Ends those that limits made in mode observe, which dropped nothing.
  void lift_observed(const Now& now);

  // The datapath reports a ban that it made.
  void on_event(const fw_event& event, const Now& now);
  // Ends the bans whose time is over; updates those that the datapath renewed.
  void expire(const Now& now);

  // Takes over an entry that no known ban has: a former daemon left it, or its event was lost.
  void adopt(const fw_entry& entry, const Now& now);
  // The same for one that the datapath made meanwhile and whose event was lost, as in a storm: it
  // is logged, with less to say, or counted among those that are not.
  void adopt_unreported(const fw_entry& entry, const Now& now);
  // Puts the entry again if it has vanished from the table or is weaker there; true if so.
  [[nodiscard]] bool repair(const Prefix& prefix, const Ban& ban, const Now& now);
  // Puts all of them into a table that has none.
  [[nodiscard]] Result<void> refill(const Now& now);

  // Puts a ban again that was kept. `tables_tell`: what a former daemon's tables do not hold has
  // ended, else it is put into them; what they hold keeps its end and learns what is not in a
  // table. The prefix's length is listed already.
  enum class Kept : std::uint8_t { in_force, ended, no_room };
  [[nodiscard]] Kept restore(const Prefix& prefix, Ban kept, bool tables_tell, const Now& now);
  // Hands out what changed since the last call, up to `most` rows "ban SOURCE".
  void take_changes(std::size_t most, const KeptClock& clock, const Now& now, KeptRows& rows);
  // Reads the end of every ban that the datapath renews.
  void note_renewals();
  // A kept row is of no use any more.
  void forget_row(const Prefix& prefix) { unwritten_.removed(prefix, true); }
  // The store is empty: all are to be handed out again.
  void write_all();
  [[nodiscard]] std::size_t unwritten() const { return unwritten_.size(); }
  // Bans that are not kept, since there are too many.
  [[nodiscard]] std::size_t skipped() const { return skipped_; }
  // The machine slept: every end comes so much sooner.
  void slept(std::uint64_t span_ns, const Now& now);

  [[nodiscard]] const PrefixMap<Ban>& all() const { return bans_; }
  // The forced bans.
  [[nodiscard]] const PrefixMap<bool>& forced() const { return forced_; }
  // Counts the changes of forced().
  [[nodiscard]] std::uint64_t forced_changes() const { return forced_changes_; }
  // As the datapath has it now.
  [[nodiscard]] std::uint64_t until_ns(const Prefix& prefix, const Ban& ban) const;
  // Packets that it dropped, and that passed only because of mode observe.
  struct Drops {
    std::uint64_t dropped = 0, observed = 0;
  };
  [[nodiscard]] Drops drops(const Prefix& prefix, const Ban& ban) const;
  // What the banned sources send now, in the metric of the ban: packets or bytes per second.
  [[nodiscard]] std::uint64_t rate(const Prefix& prefix, const Now& now) const;

 private:
  [[nodiscard]] std::uint64_t counted(const Prefix& prefix) const;
  using Map = PrefixMap<Ban>;
  using Deadline = std::pair<std::uint64_t, Prefix>;
  using Deadlines = std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>>;
  // The ban in force, as the datapath has it now. False: none is, and the iterator is where it
  // would be inserted.
  std::pair<Map::iterator, bool> find_in_force(const Prefix& prefix, const Now& now);
  void set_forced(const Prefix& prefix, bool forced);
  void set_written(Ban& ban, Ban::Written written);
  // Takes it off the map, and out of the store.
  void erase(Map::iterator at);
  void set_until(const Prefix& prefix, Ban& ban, std::uint64_t until_ns);
  void drop_stale_deadlines();
  void set_reason(Map::iterator at, const std::string& reason, const Now& now);
  void close(Map::iterator at, std::string_view reason, const Now& now);
  void open_limit_ban(const Prefix& prefix, const fw_entry& entry, const fw_event& event,
                      const Now& now);
  // Extends the entry of a repeat offender; returns the entry in force.
  fw_entry escalate(const fw_entry& entry, unsigned factor, const Now& now);

  AccessTable& entries_;
  Journal& journal_;
  Offences& offences_;
  const Settings& settings_;
  Map bans_;
  Deadlines deadlines_;
  PrefixMap<bool> forced_;
  std::uint64_t forced_changes_ = 0;
  Unwritten unwritten_;
  std::size_t written_ = 0, skipped_ = 0;  // bans, by Ban::written
};

// "forever", or "60s" from now.
[[nodiscard]] std::string for_field(std::uint64_t until_ns, std::uint64_t now_ns);
// Adds without passing FW_FOREVER.
[[nodiscard]] std::uint64_t deadline_ns(std::uint64_t now_ns, std::uint64_t span_ns);

}  // namespace fw::engine
