// SPDX-License-Identifier: MIT
// Remembers, over restarts, which configuration is in force, and the one to which the daemon
// returns unless an operator confirms (docs/decisions/apply-guard.md). The files in /etc are never
// written: what was reverted is set aside there until the operator changes it.
//
// In one file of the state folder, written before a configuration that may cut the operator off is
// put in force.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "config/config.hpp"

namespace fw::daemon {

// The clock of deadlines: it goes on in suspend and never steps, and begins with each boot.
struct BootTime {
  std::string boot;  // the kernel's boot_id
  std::uint64_t ns = 0;
};
[[nodiscard]] BootTime read_boot_time();

class KeptConfig {
 public:
  explicit KeptConfig(std::filesystem::path file) : file_(std::move(file)) {}

  // At the start. A damaged file is an error; nothing is remembered then.
  [[nodiscard]] Result<void> restore();

  [[nodiscard]] const std::optional<config::Source>& in_force() const { return in_force_; }
  // What is on disk and was reverted or refused at a start; it is not used until it changes.
  [[nodiscard]] const std::optional<config::Source>& rejected() const { return rejected_; }

  struct Pending {
    config::Source former;
    BootTime deadline;
    std::chrono::system_clock::time_point wall;  // the deadline as people read it
  };
  [[nodiscard]] const std::optional<Pending>& pending() const { return pending_; }
  // Is it time to return? Also after a reboot: what was not confirmed does not survive one.
  [[nodiscard]] bool is_due(const BootTime& now) const;

  // `source` will be in force, for so long; then the former one returns. If one is pending, that
  // former one stays the former.
  [[nodiscard]] Result<void> begin(const config::Source& source, Pending pending);
  // `source` is in force for good.
  [[nodiscard]] Result<void> settle(const config::Source& source);
  // The former one is in force again; what was is rejected.
  [[nodiscard]] Result<void> revert();
  // `source` is on disk and not used; `in_force` is.
  [[nodiscard]] Result<void> reject(const config::Source& source);
  // Writes what is remembered.
  [[nodiscard]] Result<void> write() const;

 private:
  std::filesystem::path file_;
  std::optional<config::Source> in_force_, rejected_;
  std::optional<Pending> pending_;
};

}  // namespace fw::daemon
