// SPDX-License-Identifier: MIT
// What must live through every change: the operators' SSH sessions and their next log-ins, and what
// this host needs from the network. The policy itself is asked (trial.hpp), packet by packet.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "abi/abi.h"
#include "base/address.hpp"
#include "daemon/trial.hpp"
#include "host/exemptions.hpp"
#include "host/sockets.hpp"

namespace fw::daemon {

// This host at the moment of the question.
struct Lifelines {
  host::HostFacts facts;
  std::vector<host::Socket> listeners, connections;
  std::pair<std::uint16_t, std::uint16_t> ephemeral{32768, 60999};
};
// What cannot be read is left out: then it is not asked for.
[[nodiscard]] Lifelines read_lifelines(host::HostFacts facts);

// One that a configuration would cut.
struct Cut {
  std::string what;                 // "your SSH session from 192.0.2.7"
  Address source;                   // whose packet is dropped
  fw_decision decision;             // and why
  std::optional<fw_metric> metric;  // the limit that it is above
};
// Takes the trial's time, some seconds for each lifeline.
[[nodiscard]] std::vector<Cut> find_cuts(Trial& trial, const Lifelines& lifelines);

}  // namespace fw::daemon
