// SPDX-License-Identifier: MIT
// What `floodwall setup` found out about this machine, in plain words.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"
#include "host/exemptions.hpp"

namespace fw::setup {

// What is to be protected, and how it was chosen.
struct Choice {
  std::vector<std::string> interfaces;  // that are protected, now
  std::vector<std::string> written;     // into the configuration: names, or "auto"
};

// `wanted`: the interfaces that were asked for; empty: the uplinks. Refuses names that do not exist
// or cannot be an uplink, and a machine without an uplink.
[[nodiscard]] Result<Choice> choose(const host::HostFacts& facts,
                                    const std::vector<std::string>& wanted);

[[nodiscard]] std::string explain(const host::HostFacts& facts, const Choice& choice,
                                  config::Mode mode);
[[nodiscard]] nlohmann::json explain_json(const host::HostFacts& facts, const Choice& choice,
                                          config::Mode mode);

}  // namespace fw::setup
