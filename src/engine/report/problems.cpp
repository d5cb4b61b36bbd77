// SPDX-License-Identifier: MIT
// What `status` calls problems: everything that keeps the host from being protected as configured.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "datapath/datapath.hpp"
#include "engine/report/report.hpp"

namespace fw::engine {
namespace {

// TCP clients complete handshakes, yet no packet that this host sends was seen.
bool is_one_way(const View& view) {
  const fw_shared* shared = view.datapath.tables().shared.data();
  return shared != nullptr && shared->egress_seen == 0 &&
         view.traffic.counters().class_answered[FW_CLASS_TCP_SYN] != 0;
}

}  // namespace

std::vector<std::string> problems(const View& view) {
  std::vector<std::string> problems;
  if (view.settings.mode == Mode::off)
    problems.emplace_back(
        "mode is off: nothing is protected, nor after a restart, until floodwall mode enforce");
  bool attached = false;
  for (const datapath::InterfaceStatus& status : view.datapath.interfaces()) {
    if (!status.problem.empty())
      problems.push_back(fmt::format("{}: {}", status.name, status.problem));
    attached = attached || status.attachment != datapath::Attachment::none;
  }
  if (view.settings.mode != Mode::off && !attached)
    problems.emplace_back("no interface is attached: nothing is protected");
  if (attached && is_one_way(view))
    problems.emplace_back(
        "nothing that this host sends is seen, though clients go on as if answered: only TCP "
        "clients can be told from a flood. Do replies leave by another interface? Name all uplinks "
        "in `interface`");
  std::ranges::copy(view.detector.capacities().problems(), std::back_inserter(problems));
  std::ranges::copy(view.host_problems, std::back_inserter(problems));
  std::ranges::copy(view.lists.problems, std::back_inserter(problems));
  std::ranges::copy(view.lists.refusals, std::back_inserter(problems));
  const std::size_t capacity = view.datapath.tables().entries.size();
  if (const std::size_t used = view.entries_used(); used > capacity * 7 / 10)
    problems.push_back(
        fmt::format("{} of {} places for bans are taken, more may not find one: "
                    "raise tables.bans in floodwall.toml and restart floodwalld",
                    used, capacity));
  if (view.restored.no_room > 0)
    problems.push_back(
        fmt::format("{} bans or allowances of the last daemon found no room and are not in force: "
                    "raise tables.bans in floodwall.toml and restart floodwalld",
                    view.restored.no_room));
  if (view.bans.skipped() > 0)
    problems.push_back(
        fmt::format("{} of {} bans are not stored and would end with a restart of the machine: "
                    "{} by limits are, at most",
                    view.bans.skipped(), view.bans.all().size(), Bans::kMaxWritten));
  std::ranges::copy(view.repairs, std::back_inserter(problems));
  if (view.audit_problem) problems.push_back(*view.audit_problem);
  return problems;
}

}  // namespace fw::engine
