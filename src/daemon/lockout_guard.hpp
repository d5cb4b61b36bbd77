// SPDX-License-Identifier: MIT
// Objects to configurations and lists that would cut off the operator, or this host
// (docs/decisions/apply-guard.md). Changes nothing; asking may take
// seconds if lists are long, and may be done in any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "daemon/lifelines.hpp"
#include "datapath/datapath.hpp"
#include "engine/engine.hpp"

namespace fw::daemon {

// What is in force, or would be. Borrowed for the question.
struct Candidate {
  const config::Source& source;
  const config::Config& config;
  const engine::ListSet& lists;           // without what is refused
  std::span<const std::byte> image = {};  // of these lists; empty: it is built when needed
};

class LockoutGuard {
 public:
  // Borrowed for the guard's life.
  LockoutGuard(const engine::PrefixMap<engine::Allowance>& allowances, std::string baseline,
               bool answers_syns, Lifelines lifelines)
      : allowances_(allowances),
        baseline_(std::move(baseline)),
        answers_syns_(answers_syns),
        lifelines_(std::move(lifelines)) {}

  // A sentence for each lifeline that `next` would cut, with the key or list entry that does it and
  // the remedy. What `current` cuts already does not count; null: nothing is in force.
  [[nodiscard]] std::vector<std::string> objections(const Candidate& next, const Candidate* current,
                                                    const Now& now) const;

 private:
  [[nodiscard]] std::vector<Cut> cuts(const Candidate& candidate, const Now& now) const;
  [[nodiscard]] std::string in_words(const Cut& cut, const Candidate& candidate) const;
  // " (since exempt.gateway = false, floodwall.toml:3)", if that is why it is not exempt.
  [[nodiscard]] std::string exemption_off(const Cut& cut, const Candidate& candidate) const;
  [[nodiscard]] std::vector<std::string> interface_objections(const Candidate& next,
                                                              const Candidate* current) const;

  const engine::PrefixMap<engine::Allowance>& allowances_;
  std::string baseline_;
  bool answers_syns_;
  Lifelines lifelines_;
};

// The switches of [exempt] as host/ has them.
[[nodiscard]] host::ExemptKinds kinds_of(const config::Exempt& exempt);
// What host::exemptions() found, for the engine.
[[nodiscard]] std::vector<engine::Exemption> engine_exemptions(
    const std::vector<host::ExemptAddress>& found);
[[nodiscard]] std::vector<engine::OwnPrefix> engine_own(const host::Network& network);

}  // namespace fw::daemon
