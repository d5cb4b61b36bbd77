// SPDX-License-Identifier: MIT
// The daemon's desired state: bans, exemptions, allowances, lists, the configuration in force, the
// history of offences, signatures, the baseline and the log of transitions. It writes the
// datapath's tables and reads what the datapath did; packets are judged without it.
//
// Start with adopt(), then load_lists() and set_exemptions(), and only then attach interfaces.
// After that call tick() ten times a second. One thread; no clock, no system call but the list
// files'.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/now.hpp"
#include "config/config.hpp"
#include "datapath/interface_status.hpp"
#include "engine/detect/detector.hpp"
#include "engine/enforce/access_control.hpp"
#include "engine/enforce/repairs.hpp"
#include "engine/journal/interface_log.hpp"
#include "engine/journal/journal.hpp"
#include "engine/journal/traffic.hpp"
#include "engine/kept/kept.hpp"
#include "engine/learn/budget_learner.hpp"
#include "engine/report/view.hpp"
#include "engine/settings/settings.hpp"
#include "engine/watch/watch.hpp"

namespace fw::engine {

class Engine {
 public:
  // `datapath` is borrowed and outlives the engine (or move_to). `folder` is that of
  // floodwall.toml: list files are named relative to it.
  Engine(datapath::Datapath& datapath, config::Config config, std::filesystem::path folder);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // ---- start and change

  // Before adopt(): what a former daemon learned (Baseline::text()). After an error learning
  // starts from nothing.
  [[nodiscard]] Result<void> restore_baseline(std::string_view text);
  // Before the first event: those of a former daemon.
  void restore_events(const KeptRows& rows);
  // Before adopt(): the mode, where it is not the configuration's.
  void begin_in(Mode mode) { settings_.mode = mode; }

  // Takes over the entries that a former daemon left in the tables, then publishes the
  // configuration. Bans keep their ends; exemptions hold until set_exemptions().
  [[nodiscard]] Result<void> adopt(const Now& now);

  // After adopt(): takes again what a former daemon handed out by take_changes(). `boot_id` tells
  // this start of the machine from others. `numbers_lost`: the file with the numbers of attacks
  // was damaged.
  void restore(const KeptRows& rows, std::string_view boot_id, bool numbers_lost, const Now& now);

  // When the datapath judges all packets: bans that the former program made since adopt().
  void adopt_late(const Now& now);

  // Before the first load_lists(): the last good version of each list file is kept below this
  // folder, and used where the file is not fit (lists/kept_lists.hpp).
  void keep_lists_in(std::filesystem::path folder) { access_.keep_lists_in(std::move(folder)); }

  // Networks and addresses of this host: list entries that hold one are out of force from now on.
  [[nodiscard]] Result<void> set_own(std::vector<OwnPrefix> own, const Now& now) {
    return access_.set_own(std::move(own), now);
  }

  // What prepare() needs to read the list files of a configuration, beside the loop. Bad lines are
  // skipped and become problems.
  [[nodiscard]] ListJob list_job(const config::Lists& lists, const lists::Accepted& accepted,
                                 const Now& now) const {
    return access_.list_job(lists, accepted, now);
  }
  // Swaps the lists in; after an error the old ones are in force. Lifts the bans of what is allowed
  // now.
  [[nodiscard]] Result<void> use_lists(ReadyLists lists, const Now& now) {
    return access_.use_lists(std::move(lists), now);
  }
  // Whether they are to be read again, and what use_lists() leaves to do: published_lists.hpp.
  [[nodiscard]] PublishedLists& published_lists() { return access_.published_lists(); }
  [[nodiscard]] const PublishedLists& published_lists() const { return access_.published_lists(); }
  // Both at once, for the configuration in force, and keeps their last good versions: for a start.
  [[nodiscard]] Result<void> load_lists(const Now& now, const lists::Accepted& accepted = {}) {
    return access_.load_lists(now, accepted);
  }

  // From now on exactly these are exempt; lifts their bans. The error names the first address for
  // which there was no room.
  [[nodiscard]] Result<void> set_exemptions(std::span<const Exemption> exemptions, const Now& now);

  // Swaps the configuration in one step and returns what changed, in words. Refused when a setting
  // that is fixed at start changed; after an error the old one is in force.
  [[nodiscard]] Result<std::vector<std::string>> apply(config::Config config, const Now& now);

  // As apply(), then swaps in the lists that were read for that configuration.
  [[nodiscard]] Result<std::vector<std::string>> apply(config::Config config, ReadyLists lists,
                                                       const Now& now);

  // From observe to enforce lifts the bans that limits made: they were only would-be ones. Into and
  // out of `off` goes move_to(), since another datapath is in force then.
  [[nodiscard]] Result<void> set_mode(Mode mode, const Now& now);

  // Continues with another datapath, whose tables are empty, in the given mode, and fills the
  // tables. After an error the engine is on the new one, part-filled.
  [[nodiscard]] Result<void> move_to(datapath::Datapath& datapath, Mode mode, const Now& now);

  // ---- ten times a second

  void tick(const Now& now);
  // The part of tick() that reads what the datapath did, so that an order sees what just happened.
  void drain_events(const Now& now);

  // At the end: reads what the datapath did, and sums up in the log what was dropped.
  void finish(const Now& now);

  // ---- orders of the operator. Each is checked whole before anything is done; see AccessControl.

  [[nodiscard]] Result<Outcomes> ban(std::span<const Prefix> prefixes, const BanOrder& order,
                                     const Now& now);
  [[nodiscard]] Result<Outcomes> unban(std::span<const Prefix> prefixes, bool strict,
                                       const Now& now);
  [[nodiscard]] Outcomes unban_all(const Now& now);
  [[nodiscard]] Result<Deferred<Result<Outcomes>>> allow(std::span<const Prefix> prefixes,
                                                         const std::string& comment,
                                                         const Now& now);
  [[nodiscard]] Result<Outcomes> allow_for(std::span<const Prefix> prefixes, std::uint64_t span_ns,
                                           const std::string& comment, const Now& now);
  [[nodiscard]] Result<Deferred<Result<Outcomes>>> unallow(std::span<const Prefix> prefixes,
                                                           bool strict, const Now& now);
  // Forgets the baseline: the budgets are the configured ones again.
  [[nodiscard]] Result<void> reset_baseline(const Now& now);

  // Looks at the datapath again, puts right what is not in force as it should be, and reports it.
  // Every second, and when the network changed.
  void reconcile(const Now& now);

  // ---- what outlives the daemon

  // Hands out up to about `most` rows that changed since the last call, once a second; `last`: this
  // is the last call. They are a whole: store all of them or none.
  [[nodiscard]] KeptRows take_changes(std::size_t most, bool last, const Now& now);
  // More rows wait than one call hands out.
  [[nodiscard]] bool has_more_changes() const { return access_.unwritten() > 0; }
  // The store is empty: everything is handed out again.
  void write_all();

  // Called with every sample of the datapath.
  void set_sample_sink(std::function<void(const fw_sample&)> sink);

  // ---- state

  // For the reports. Valid until the next change.
  [[nodiscard]] View view(const Now& now) const;
  // Everything that is not as it should be, a sentence each; empty: healthy.
  [[nodiscard]] std::vector<std::string> problems(const Now& now) const;

  [[nodiscard]] Mode mode() const { return settings_.mode; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const Bans& bans() const { return access_.bans(); }
  [[nodiscard]] const ListSet& lists() const { return access_.lists(); }
  [[nodiscard]] std::shared_ptr<const ListSet> shared_lists() const {
    return access_.published_lists().shared();
  }
  [[nodiscard]] Detector& detector() { return detector_; }
  [[nodiscard]] const Detector& detector() const { return detector_; }
  [[nodiscard]] const Baseline& baseline() const { return learner_.baseline(); }
  [[nodiscard]] Journal& journal() { return journal_; }
  [[nodiscard]] const Journal& journal() const { return journal_; }
  // The interfaces that are to be protected: those of the datapath, and those it was refused on.
  [[nodiscard]] std::vector<datapath::InterfaceStatus> interfaces() const;

  // ---- what the daemon found

  // Interfaces that are to be protected and are not attached. Their problems are among the host's.
  void set_unprotected(std::vector<datapath::InterfaceStatus> unprotected) {
    unprotected_ = std::move(unprotected);
  }
  // What was measured of this host since the last call; and whether that is of use now.
  void set_load(HostLoad load, const Now& now) {
    detector_.capacities().set_load(std::move(load), now);
  }
  [[nodiscard]] bool wants_load(const Now& now) const {
    return detector_.capacities().wants_load(now);
  }
  // From now on exactly these are the problems outside the engine.
  void set_host_problems(std::vector<std::string> problems) {
    host_problems_ = std::move(problems);
  }
  // For the metrics.
  void set_figures(HostFigures figures) { figures_ = std::move(figures); }

 private:
  [[nodiscard]] std::uint64_t borne_lately() const;
  void note_limited(const Prefix& source);
  void record_scan(const fw_event& event, const Now& now);
  void ban_scanners(const Now& now);
  void learn(const Now& now);
  // Puts learned budgets in force if they differ enough.
  [[nodiscard]] Result<void> review_budgets(const Baseline::Loads& loads, const Now& now);
  void before_mode(Mode next, const Now& now);
  void changed_mode(Mode mode, const Now& now);
  void notice_sleep(const Now& now);

  datapath::Datapath* datapath_;
  Settings settings_;
  std::filesystem::path folder_;
  std::chrono::system_clock::time_point started_;
  Journal journal_;
  AccessControl access_;
  Traffic traffic_;
  Detector detector_;
  Watch watch_;
  BudgetLearner learner_;
  InterfaceLog interface_log_;
  Repairs repairs_;
  std::deque<Prefix> limited_;    // sources above a limit, the last 256
  std::vector<Prefix> scanners_;  // to be banned once the events are drained
  std::vector<datapath::InterfaceStatus> unprotected_;
  std::vector<std::string> host_problems_;
  HostFigures figures_;

  // What outlives the daemon.
  KeptClock clock_;
  std::string boot_id_;
  FewRows few_;
  Restored restored_;
  std::string written_baseline_;
  std::uint64_t adopted_ns_ = 0;  // when the former daemon's entries were read
  std::uint64_t slept_ns_ = 0;    // Now::slept_ns that the ends allow for
  std::uint64_t clock_due_ns_ = 0, baseline_due_ns_ = 0;
};

// The mode in which a daemon starts: as the operator left it, if the configuration is still that of
// then; `off` in any case.
[[nodiscard]] Mode kept_mode(const KeptRows& rows, config::Mode configured);

}  // namespace fw::engine
