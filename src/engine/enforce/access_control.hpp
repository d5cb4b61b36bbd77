// SPDX-License-Identifier: MIT
// Bans, allowances and exemptions, and the orders of operator and daemon that change them: the
// room's front. It holds the desired state of the datapath's entries and lists and keeps both
// equal.
//
// What can be refused is refused before anything is done.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/deferred.hpp"
#include "base/error.hpp"
#include "datapath/interface_status.hpp"
#include "engine/enforce/access_table.hpp"
#include "engine/enforce/audit.hpp"
#include "engine/enforce/bans.hpp"
#include "engine/enforce/datapath_config.hpp"
#include "engine/enforce/offences.hpp"
#include "engine/enforce/protected.hpp"
#include "engine/enforce/published_lists.hpp"
#include "engine/journal/journal.hpp"
#include "engine/kept/kept.hpp"
#include "engine/settings/settings.hpp"

namespace fw::engine {

// What became of one address of a request.
struct Outcome {
  Prefix prefix;
  bool changed = false;
  std::string message;  // "banned for 1h"
};
using Outcomes = std::vector<Outcome>;

struct ListEdit;  // access_lists.cpp

struct BanOrder {
  std::uint64_t span_ns = 0;  // FW_FOREVER
  std::string reason;
  bool force = false;
  bool restricted = false;  // a restriction, not a ban
  bool brief = false;       // the messages of the outcomes are left empty
};

class AccessControl {
 public:
  // All are borrowed and outlive it. `folder` is that of floodwall.toml: list files are named
  // relative to it.
  AccessControl(datapath::Datapath& datapath, Journal& journal, const Settings& settings,
                std::filesystem::path folder);
  AccessControl(const AccessControl&) = delete;
  AccessControl& operator=(const AccessControl&) = delete;

  // ---- start and change

  // Takes over the entries that a former daemon left in the tables. Exemptions among them hold
  // until set_exemptions().
  void adopt(const Now& now);
  // Takes over entries that a former daemon left in tables which are not those of this datapath:
  // those that began after `since_ns`, and later ends of what is known.
  void take_over(std::span<const fw_entry> entries, std::uint64_t since_ns, const Now& now);
  // Takes again what a former daemon handed out by take_changes(). `tables_tell`: what it left in
  // tables was taken over; what is not among that has ended.
  void restore(const KeptRows& rows, const KeptClock& clock, bool tables_tell, const Now& now,
               Restored& restored);
  // The last good versions of list files are kept below this folder.
  void keep_lists_in(std::filesystem::path folder) { lists_.keep_in(std::move(folder)); }
  // From now on no list may hold these. After an error entries that hold them are still in force.
  [[nodiscard]] Result<void> set_own(std::vector<OwnPrefix> own, const Now& now);
  // What prepare() needs to read the list files of a configuration.
  [[nodiscard]] ListJob list_job(const config::Lists& lists, const lists::Accepted& accepted,
                                 const Now& now) const {
    return lists_.job(lists, folder_, accepted, bans_.forced(), now);
  }
  // Swaps lists in; lifts the bans of what is allowed now. After an error the old ones are in
  // force.
  [[nodiscard]] Result<void> use_lists(ReadyLists lists, const Now& now);
  // Both, for the configuration in force, and keeps the last good versions.
  [[nodiscard]] Result<void> load_lists(const Now& now, const lists::Accepted& accepted = {});
  // From now on exactly these are exempt; lifts their bans. The error names the first address for
  // which there was no room.
  [[nodiscard]] Result<void> set_exemptions(std::span<const Exemption> exemptions, const Now& now);
  // Publishes the configuration with the prefix lengths in use. After an error the old one is in
  // force.
  [[nodiscard]] Result<void> configure(const config::Compiled& compiled, Mode mode);
  // Continues with another datapath, whose tables are empty: configure() it, then fill() it.
  void move_to(datapath::Datapath& datapath);
  [[nodiscard]] Result<void> fill(const Now& now);
  // Mode enforce begins: bans that limits made in mode observe were only would-be ones.
  // The mode is about to become observe, or another one.
  void begin_observe(bool observe) { bans_.begin_observe(observe); }
  void lift_observed_bans(const Now& now) { bans_.lift_observed(now); }

  // ---- ten times a second

  void on_ban_event(const fw_event& event, const Now& now) { bans_.on_event(event, now); }
  void tick(const Now& now);
  // The datapath's copy of the lists is damaged.
  [[nodiscard]] Result<void> republish_lists() { return lists_.republish(bans_.forced()); }

  // ---- what outlives the daemon

  // Hands out up to about `most` rows that changed since the last call.
  void take_changes(std::size_t most, const KeptClock& clock, const Now& now, KeptRows& rows);
  // Looks at every ban for a renewal by the datapath, before the last call of take_changes().
  void note_renewals() { bans_.note_renewals(); }
  // The store is empty: everything is handed out again.
  void write_all();
  // Rows that wait for take_changes().
  [[nodiscard]] std::size_t unwritten() const {
    return bans_.unwritten() + protected_.unwritten() + offences_.unwritten();
  }
  // The machine slept, and the datapath's clock stood still.
  void slept(std::uint64_t span_ns, const Now& now);

  // ---- orders

  // Refused for what is exempt, allowed or special. Extends what is banned already.
  [[nodiscard]] Result<Outcomes> ban(std::span<const Prefix> prefixes, const BanOrder& order,
                                     const Now& now);
  // Ends the bans of these prefixes, those inside and those around them.
  [[nodiscard]] Result<Outcomes> unban(std::span<const Prefix> prefixes, bool strict,
                                       const Now& now);
  [[nodiscard]] Outcomes unban_all(const Now& now);
  // Adds to the first allow file and reads the lists again.
  [[nodiscard]] Result<Deferred<Result<Outcomes>>> allow(std::span<const Prefix> prefixes,
                                                         const std::string& comment,
                                                         const Now& now);
  // Allows for a while, by entry.
  [[nodiscard]] Result<Outcomes> allow_for(std::span<const Prefix> prefixes, std::uint64_t span_ns,
                                           const std::string& comment, const Now& now);
  // Takes off the allow files and ends allowances.
  [[nodiscard]] Result<Deferred<Result<Outcomes>>> unallow(std::span<const Prefix> prefixes,
                                                           bool strict, const Now& now);

  // ---- the desired state

  [[nodiscard]] const Bans& bans() const { return bans_; }
  [[nodiscard]] const Protected& protected_entries() const { return protected_; }
  [[nodiscard]] const ListSet& lists() const { return lists_.set(); }
  [[nodiscard]] PublishedLists& published_lists() { return lists_; }
  [[nodiscard]] const PublishedLists& published_lists() const { return lists_; }
  [[nodiscard]] const Offences& offences() const { return offences_; }
  [[nodiscard]] std::optional<std::string> audit_problem(const Now& now) const {
    return audit_.problem(now);
  }

 private:
  // When forced bans came or went: suspends and restores what they override.
  void update_suspensions(const Now& now);
  [[nodiscard]] Result<Outcomes> finish_allow(ListEdit& edit, const Now& now);
  [[nodiscard]] Result<Outcomes> finish_unallow(ListEdit& edit, const Now& now);
  void lift_bans_inside(const Prefix& prefix, std::string_view reason, const Now& now);
  void lift_bans_of_the_allowed(const Now& now);
  [[nodiscard]] Result<void> check_unbannable(std::span<const Prefix> prefixes) const;
  [[nodiscard]] Result<void> check_allowable(std::span<const Prefix> prefixes) const;

  Journal& journal_;
  const Settings& settings_;
  std::filesystem::path folder_;
  Offences offences_;
  DatapathConfig config_;
  AccessTable entries_;
  Bans bans_;
  Protected protected_;
  PublishedLists lists_;
  Audit audit_;
  std::uint64_t forced_changes_ = 0;  // Bans::forced_changes() at the last update_suspensions()
};

}  // namespace fw::engine
