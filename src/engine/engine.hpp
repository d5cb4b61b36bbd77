// SPDX-License-Identifier: MIT
// What the daemon believes: the truth about bans, exemptions, allowances, lists, the configuration
// in force, the history of offences and the log of transitions. It writes the datapath's tables and
// is told what the datapath did; packets are judged without it.
//
// Start with adopt(), then load_lists() and set_exemptions(), and only then attach interfaces.
// After that call tick() ten times a second. One thread; no clock, no system call but the list
// files'.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/now.hpp"
#include "config/config.hpp"
#include "datapath/datapath.hpp"
#include "engine/detect/detector.hpp"
#include "engine/enforce/access_table.hpp"
#include "engine/enforce/audit.hpp"
#include "engine/enforce/bans.hpp"
#include "engine/enforce/list_set.hpp"
#include "engine/enforce/offences.hpp"
#include "engine/enforce/protected.hpp"
#include "engine/journal/journal.hpp"
#include "engine/journal/traffic.hpp"
#include "engine/learn/baseline.hpp"
#include "engine/report/view.hpp"
#include "engine/settings/settings.hpp"

namespace fw::engine {

// What became of one address of a request.
struct Outcome {
  Prefix prefix;
  bool changed = false;
  std::string message;  // "banned for 1h"
};
using Outcomes = std::vector<Outcome>;

class Engine {
 public:
  // `datapath` is borrowed and outlives the engine (or move_to). `folder` is that of
  // floodwall.toml: list files are named relative to it.
  Engine(datapath::Datapath& datapath, config::Config config, std::filesystem::path folder);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // ---- start and change

  // Before adopt(): what a former daemon learned (Baseline::text()). After an error learning begins
  // anew.
  [[nodiscard]] Result<void> recall(std::string_view learned);

  // Takes over the entries that a former daemon left in the tables, then publishes the
  // configuration. Bans go on with what is left of them; exemptions hold until set_exemptions()
  // says otherwise.
  [[nodiscard]] Result<void> adopt(const Now& now);

  // Reads the list files of the configuration and swaps them in. Bad lines are skipped and become
  // problems; after an error the old lists are in force. Lifts the bans of what is allowed now.
  [[nodiscard]] Result<void> load_lists(const Now& now);

  // From now on exactly these are exempt; lifts their bans. The error says who found no room.
  [[nodiscard]] Result<void> set_exemptions(std::span<const Exemption> exemptions, const Now& now);

  // Swaps the configuration in one step and returns what changed, in words. Refused when a setting
  // that is fixed at start changed; after an error the old one is in force.
  [[nodiscard]] Result<std::vector<std::string>> apply(config::Config config, const Now& now);

  // The files anew: the configuration, then the lists. What SIGHUP and `floodwall apply` do.
  [[nodiscard]] Result<std::vector<std::string>> reload(const std::filesystem::path& config_file,
                                                        const Now& now);

  // From observe to enforce lifts the bans that limits made: they were only would-be ones. `off` is
  // only noted: whoever owns the datapath detaches (see move_to).
  [[nodiscard]] Result<void> set_mode(Mode mode, const Now& now);

  // Goes on with another datapath, with empty tables, and fills them. For `mode off`, whose
  // datapath is removed from the kernel, and back. After an error the engine is on the new one,
  // part-filled.
  [[nodiscard]] Result<void> move_to(datapath::Datapath& datapath, const Now& now);

  // ---- ten times a second

  void tick(const Now& now);
  // Only the part of tick() that listens: so that a command sees what just happened.
  void drain_events(const Now& now);

  // ---- the operator's will. Each is checked whole before anything is done.

  struct BanOrder {
    std::uint64_t span_ns = 0;  // FW_FOREVER
    std::string reason;
    bool force = false;
    bool brief = false;  // nobody will read the messages: they are left empty
  };
  // Refused for what is exempt, allowed or special. Extends what is banned already.
  [[nodiscard]] Result<Outcomes> ban(std::span<const Prefix> prefixes, const BanOrder& order,
                                     const Now& now);
  // Ends the bans of these prefixes, those inside and those around them.
  [[nodiscard]] Result<Outcomes> unban(std::span<const Prefix> prefixes, bool strict,
                                       const Now& now);
  [[nodiscard]] Outcomes unban_all(const Now& now);

  // Adds to the first allow file and reads the lists again.
  [[nodiscard]] Result<Outcomes> allow(std::span<const Prefix> prefixes, const std::string& comment,
                                       const Now& now);
  // Allows for a while, by entry.
  [[nodiscard]] Result<Outcomes> allow_for(std::span<const Prefix> prefixes, std::uint64_t span_ns,
                                           const std::string& comment, const Now& now);
  // Takes off the allow files and lifts allowances.
  [[nodiscard]] Result<Outcomes> unallow(std::span<const Prefix> prefixes, bool strict,
                                         const Now& now);

  // Forgets what is usual here: the budgets are the configured ones again.
  [[nodiscard]] Result<void> reset_baseline(const Now& now);

  // ---- what it believes

  [[nodiscard]] Mode mode() const { return settings_.mode; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] datapath::Datapath& datapath() const { return *datapath_; }
  [[nodiscard]] const Bans& bans() const { return bans_; }
  [[nodiscard]] const Protected& protected_entries() const { return protected_; }
  [[nodiscard]] const ListSet& lists() const { return lists_; }
  [[nodiscard]] const Offences& offences() const { return offences_; }
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }
  [[nodiscard]] Detector& detector() { return detector_; }
  [[nodiscard]] const Detector& detector() const { return detector_; }
  [[nodiscard]] const Baseline& baseline() const { return baseline_; }
  [[nodiscard]] Journal& journal() { return journal_; }
  [[nodiscard]] const Journal& journal() const { return journal_; }
  [[nodiscard]] std::chrono::system_clock::time_point started() const { return started_; }
  // For the reports. Valid until the next change.
  [[nodiscard]] View view(const Now& now) const;
  // The interfaces that are to be protected: those of the datapath, and those it was refused on.
  [[nodiscard]] std::vector<datapath::InterfaceStatus> interfaces() const;
  // What is to be protected and is not attached. Their problems are among the host's as well.
  void note_unprotected(std::vector<datapath::InterfaceStatus> unprotected) {
    unprotected_ = std::move(unprotected);
  }
  // What whoever runs the engine found amiss around it: from now on exactly these are among the
  // problems.
  void note_host_problems(std::vector<std::string> problems) {
    host_problems_ = std::move(problems);
  }
  // Everything that is not as it should be, a sentence each; empty: healthy.
  [[nodiscard]] std::vector<std::string> problems(const Now& now) const;

 private:
  // True if the image differs from the one in force.
  [[nodiscard]] Result<bool> publish_lists(const ListSet& lists);
  // Forced bans came or went: suspends and restores what they override.
  void follow_forced_bans(const Now& now);
  void lift_bans_inside(const Prefix& prefix, std::string_view reason, const Now& now);
  void lift_bans_of_the_allowed(const Now& now);
  [[nodiscard]] Result<void> check_allowable(std::span<const Prefix> prefixes) const;
  void note_interfaces(const Now& now);
  void note_scan(const fw_event& event, const Now& now);
  void ban_scanners(const Now& now);
  void learn(const Now& now);
  void raise_budgets(Settings& settings) const;
  [[nodiscard]] Result<void> review_budgets(const Now& now);

  datapath::Datapath* datapath_;
  Settings settings_;
  std::filesystem::path folder_;
  std::chrono::system_clock::time_point started_;
  Journal journal_;
  Offences offences_;
  AccessTable entries_;
  Bans bans_;
  Protected protected_;
  std::uint64_t followed_forced_ = 0;  // Bans::forced_changes() that was followed
  ListSet lists_;
  std::size_t image_hash_ = 0;               // of the image in force
  std::vector<std::string> noted_problems_;  // of the lists, as logged last
  Audit audit_;
  Traffic traffic_;
  Detector detector_;
  Baseline baseline_;
  std::uint64_t review_due_ns_ = 0;                    // of the budgets in force
  std::vector<datapath::InterfaceStatus> interfaces_;  // as last noted
  std::vector<std::string> host_problems_;
  std::vector<Prefix> scanners_;  // to be banned, once the events are drained
  std::vector<datapath::InterfaceStatus> unprotected_;
};

}  // namespace fw::engine
