// SPDX-License-Identifier: MIT
// What `floodwall setup` found out about this host, as text and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"
#include "host/exemptions.hpp"

namespace fw::setup {

// The interfaces to protect, and how they were chosen.
struct Selection {
  std::vector<std::string> interfaces;  // those that would be protected now
  std::vector<std::string> written;     // into the configuration: names, or "auto"
};

// `wanted`: the interfaces that the user named; if empty, the uplinks are chosen. Fails on names
// that do not exist or cannot be an uplink, and on a host without an uplink.
[[nodiscard]] Result<Selection> choose(const host::HostFacts& facts,
                                       const std::vector<std::string>& wanted);

[[nodiscard]] std::string explain(const host::HostFacts& facts, const Selection& selection,
                                  config::Mode mode);
[[nodiscard]] nlohmann::json explain_json(const host::HostFacts& facts, const Selection& selection,
                                          config::Mode mode);

}  // namespace fw::setup
