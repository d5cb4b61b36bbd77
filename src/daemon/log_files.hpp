// SPDX-License-Identifier: MIT
// Writes events to floodwall.log (a line of text each), to events.json (a line of JSON each) and to
// the system's journal. Logging never stops the daemon: lines that cannot be written are counted,
// and problem() says so until writing works again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "daemon/datagram.hpp"
#include "daemon/rotating_file.hpp"
#include "engine/journal/event.hpp"

namespace fw::daemon {

class LogFiles {
 public:
  explicit LogFiles(const config::Log& settings);

  void write(const engine::Event& event);

  // Opens the files again, maybe in another folder or with other bounds; for SIGHUP (logrotate)
  // too.
  void configure(const config::Log& settings);

  // Whether the system's journal took the last event.
  [[nodiscard]] bool is_in_system_journal() const { return in_journal_; }

  // A sentence, or none: all is written.
  [[nodiscard]] std::optional<std::string> problem() const;

 private:
  void count(const Result<void>& written);

  RotatingFile text_, json_;
  std::optional<Datagram> journal_;
  std::string error_;  // of the last line; empty: it was written
  bool in_journal_ = false;
  std::uint64_t lost_lines_ = 0;  // since writing last worked
};

// The line of an event without its time, for what adds that itself.
[[nodiscard]] std::string log_message(const engine::Event& event);
// An event in the journal's own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL).
[[nodiscard]] std::string journal_entry(const engine::Event& event);

}  // namespace fw::daemon
