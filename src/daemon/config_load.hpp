// SPDX-License-Identifier: MIT
// A configuration with its lists, read and judged in any thread: a value that holds all that is
// needed for that, and then what came of it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/now.hpp"
#include "config/config.hpp"
#include "engine/engine.hpp"

namespace fw::daemon {

struct ConfigLoad {
  // ---- given
  std::filesystem::path file;           // floodwall.toml
  std::optional<config::Source> given;  // used in its place
  engine::ListJob job;                  // without the names, which are the configuration's
  bool is_judged = true;
  // For the judgement: what is in force, and what the engine knows.
  config::Source current_source;
  config::Config current;
  std::shared_ptr<const engine::ListSet> current_lists;
  engine::PrefixMap<engine::Allowance> allowances;
  std::string baseline;
  bool answers_syns = false;
  Now now;

  // ---- made by run()
  Result<config::Source> source = fail("it was not read: is memory short?");
  Result<config::Config> config = fail("it was not read: is memory short?");
  Result<engine::ReadyLists> lists = fail("it was not read: is memory short?");
  std::vector<std::string> objections;  // LockoutGuard's
  // The first error of the three; none: all were read.
  [[nodiscard]] std::optional<Error> error() const;

  // Reads files and this machine, changes nothing.
  void run();
  // Of what is in force, if everything passed until now and would not any more.
  void run_as_first();
};

}  // namespace fw::daemon
