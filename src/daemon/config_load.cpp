// SPDX-License-Identifier: MIT
#include "daemon/config_load.hpp"

#include <utility>

#include "daemon/lockout_guard.hpp"
#include "host/exemptions.hpp"

namespace fw::daemon {

std::optional<Error> ConfigLoad::error() const {
  if (!source) return source.error();
  if (!config) return config.error();
  if (!lists) return lists.error();
  return std::nullopt;
}

void ConfigLoad::run() {
  source = given ? Result<config::Source>(*given) : config::read_source(file);
  if (!source) return;
  config = config::parse(*source);
  if (!config) return;
  const Result<host::HostFacts> facts = host::read_facts();
  if (facts) job.limits.own = engine_own(facts->network);
  job.names = config->lists;
  lists = engine::prepare(job);
  if (!lists || !is_judged) return;
  if (!facts) {
    source = std::unexpected(facts.error());
    return;
  }
  const LockoutGuard guard(allowances, baseline, answers_syns, read_lifelines(*facts));
  const Candidate before{.source = current_source, .config = current, .lists = *current_lists};
  objections = guard.objections(
      {.source = *source, .config = *config, .lists = *lists->set, .image = lists->image}, &before,
      now);
}

void ConfigLoad::run_as_first() {
  const Result<host::HostFacts> facts = host::read_facts();
  if (!facts) return;
  current.mode = config::Mode::enforce;
  const LockoutGuard guard(allowances, baseline, answers_syns, read_lifelines(*facts));
  objections = guard.objections(
      {.source = current_source, .config = current, .lists = *current_lists}, nullptr, now);
}

}  // namespace fw::daemon
