// SPDX-License-Identifier: MIT
// What outlives the daemon, in a file (state.db): read before the datapath is opened, and written
// once a second. Neither a damaged file nor a full disk stops anything: problem() says so.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "daemon/state_writer.hpp"
#include "engine/engine.hpp"

namespace fw::daemon {

class StateFile {
 public:
  // At most a second of what is believed is lost by a crash.
  static constexpr std::uint64_t kEveryNs = kSecond;
  // Judgement: rows handed out in a tick, which takes it a few milliseconds.
  static constexpr std::size_t kRowsPerTick = 2000;

  // Reads it. A damaged one is set aside.
  explicit StateFile(std::filesystem::path file);

  // In which mode to start.
  [[nodiscard]] engine::Mode mode(config::Mode configured) const {
    return engine::kept_mode(rows_, configured);
  }
  // How the last daemon ended: "stopped", "killed", or "none" if it is not known that one ran.
  [[nodiscard]] const std::string& last_life() const { return last_life_; }

  // Before the first event.
  void restore_events(engine::Engine& engine) const { engine.restore_events(rows_); }
  // Before Engine::adopt().
  void restore_baseline(engine::Engine& engine);
  // After it.
  void restore(engine::Engine& engine, const Now& now);

  // Ten times a second.
  void tick(engine::Engine& engine, const Now& now);
  // What changed is written at the next tick.
  void hurry() { due_ns_ = 0; }
  // Writes everything, at the end of the daemon; the file then says that it was stopped.
  void finish(engine::Engine& engine, const Now& now);

  // A sentence, or empty: it is stored.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  void read_report(engine::Engine& engine, const Now& now);

  std::filesystem::path file_;
  KeptRows rows_;  // as read; empty after restore()
  std::string last_life_ = "none";
  std::string lost_;              // not logged yet
  std::string baseline_problem_;  // until learning was stored again
  std::string problem_;
  bool numbers_lost_ = false;
  bool said_running_ = false;  // in the file
  std::uint64_t due_ns_ = 0;
  std::optional<StateWriter> writer_;
};

}  // namespace fw::daemon
