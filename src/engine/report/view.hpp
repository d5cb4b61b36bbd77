// SPDX-License-Identifier: MIT
// What the reports may read of the engine, by reference; Engine::view() makes one. Valid until the
// engine's next change.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "datapath/interface_status.hpp"
#include "engine/detect/detector.hpp"
#include "engine/enforce/bans.hpp"
#include "engine/enforce/list_set.hpp"
#include "engine/enforce/offences.hpp"
#include "engine/enforce/protected.hpp"
#include "engine/journal/journal.hpp"
#include "engine/journal/traffic.hpp"
#include "engine/learn/baseline.hpp"
#include "engine/report/host_figures.hpp"
#include "engine/settings/settings.hpp"
#include "engine/watch/watch.hpp"

namespace fw::engine {

struct View {
  const Settings& settings;
  datapath::Datapath& datapath;  // its tables and counters; a report writes nothing to them
  const Traffic& traffic;
  const Journal& journal;
  const Bans& bans;
  const Protected& protected_entries;
  const ListSet& lists;
  const Offences& offences;
  const Detector& detector;
  const Baseline& baseline;
  const Watch& watch;
  const std::deque<Prefix>& limited;  // sources that were above a limit lately, newest last
  const std::vector<std::string>& host_problems;  // found by the daemon
  std::optional<std::string> audit_problem;
  const Restored& restored;                           // from what outlived the last daemon
  std::vector<std::string> repairs;                   // of the datapath: a sentence each
  std::vector<datapath::InterfaceStatus> interfaces;  // attached, or to be attached
  std::chrono::system_clock::time_point started;
  const HostFigures& figures;  // what the daemon counts of itself

  // Bans, exemptions and allowances together.
  [[nodiscard]] std::size_t entries_used() const {
    return bans.all().size() + protected_entries.exemptions().size() +
           protected_entries.allowances().size();
  }
};

}  // namespace fw::engine
