// SPDX-License-Identifier: MIT
// Puts configurations and lists in force, after the lock-out guard has judged them, and takes a
// configuration back that nobody confirmed.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/deferred.hpp"
#include "daemon/change_queue.hpp"
#include "daemon/config_load.hpp"
#include "daemon/kept_config.hpp"
#include "daemon/lockout_guard.hpp"
#include "engine/commands.hpp"
#include "engine/engine.hpp"
#include "host/exemptions.hpp"

namespace fw::daemon {

// The configuration that a start uses.
struct StartConfig {
  config::Source source;
  config::Config config;
  bool is_former = false;  // not that on disk
  std::string problem;     // why, or what else is wrong
};
// That on disk, unless it was reverted, or would newly cut something off: then the one that was in
// force. `lists`: where the last good versions of list files are kept. Fails if that on disk is
// not valid.
[[nodiscard]] Result<StartConfig> choose_at_start(const std::filesystem::path& file,
                                                  const std::filesystem::path& lists,
                                                  KeptConfig& kept, const Now& now);

// What `check` says about the files on disk, beyond whether they are valid; a sentence each.
struct Verdict {
  std::vector<std::string> objections;  // for which apply would refuse them
  std::vector<std::string> stale;       // list files whose last good version would be used
  std::vector<std::string> refusals;    // list entries that would not be in force
};

class ConfigControl {
 public:
  // Borrowed: the engine, which has the configuration of `start` in force.
  ConfigControl(engine::Engine& engine, std::filesystem::path file, KeptConfig kept,
                StartConfig start)
      : engine_(engine),
        file_(std::move(file)),
        kept_(std::move(kept)),
        kept_former_(kept_),
        source_(std::move(start.source)),
        is_former_(start.is_former),
        rejected_problem_(std::move(start.problem)) {}

  // When all is filled at the start: remembers the configuration; says what it cuts off, for a
  // start is not refused.
  void started(const host::HostFacts& facts, const Now& now);

  // Puts the files on disk in force and returns what changed. Refused if something that lives now
  // would be cut off; then nothing is changed.
  [[nodiscard]] Deferred<Result<std::vector<std::string>>> apply(const engine::ApplyOrder& order,
                                                                 const Now& now);
  // What apply() would answer. Changes nothing.
  [[nodiscard]] Deferred<Result<Verdict>> check(const Now& now);
  // What would be cut off in mode enforce, where nothing is now.
  [[nodiscard]] Deferred<std::vector<std::string>> judge_enforcing(const Now& now);
  // The configuration before the last apply() is in force again, because of `why`. Rare: it takes
  // as long as building the image of the former lists.
  void take_back(const std::string& why, const Now& now);
  // Reads the list files; those that would cut something off are not taken.
  [[nodiscard]] ChangeQueue::Change load_lists(const Now& now);
  [[nodiscard]] Result<void> confirm();
  // The time to confirm is over; and the way back, unless it was confirmed meanwhile. done() is
  // called when the former configuration is in force.
  [[nodiscard]] bool is_return_due(const Now& now) const;
  [[nodiscard]] std::optional<ChangeQueue::Change> return_to_former(std::function<void()> done,
                                                                    const Now& now);

  // Work gives up when this says so.
  void stop_with(std::stop_token stop) { stop_ = std::move(stop); }

  // A sentence each.
  [[nodiscard]] std::vector<std::string> problems() const;
  // Of these, why the lists on disk are not in force; empty: they are.
  [[nodiscard]] const std::string& lists_problem() const { return lists_problem_; }
  // In force.
  [[nodiscard]] const config::Source& source() const { return source_; }

 private:
  [[nodiscard]] LockoutGuard guard(const host::HostFacts& facts, const Now& now) const;
  // What is in force, to judge another configuration by.
  [[nodiscard]] ConfigLoad load(const lists::Accepted& accepted, const Now& now) const;
  [[nodiscard]] Result<std::vector<std::string>> put_in_force(ConfigLoad& next,
                                                              const engine::ApplyOrder& order,
                                                              const Now& now);
  void put_lists_in_force(ConfigLoad& next, const Now& now);
  void remember(const Result<void>& written);

  engine::Engine& engine_;
  std::filesystem::path file_;
  KeptConfig kept_, kept_former_;   // and before the last apply()
  config::Source source_, former_;  // in force; and before the last apply()
  std::shared_ptr<const engine::ListSet> former_lists_;
  std::stop_token stop_;
  bool is_former_;  // source_ is not what is on disk, since the start
  std::uint64_t retry_ns_ = 0;
  std::string rejected_problem_, lists_problem_, memory_problem_;
  std::vector<std::string> start_problems_;
};

}  // namespace fw::daemon
