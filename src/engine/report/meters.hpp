// SPDX-License-Identifier: MIT
// What one source sends at this moment, from the datapath's meters. The datapath writes to them
// meanwhile, so a rate may be a packet off.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "engine/report/view.hpp"

namespace fw::engine {

// The meters of a source under one rule, or of the prefix it is in.
struct Meter {
  std::string rule;       // "default", "prefix", or the service with limits of its own
  bool verified = false;  // of its verified flows; else of all its other packets
  std::array<std::uint64_t, FW_METRIC_COUNT> rates{};  // packets or bytes per second
  config::Limits limits;                               // of its rule
};

// Of the source that `prefix` is or is part of (none if it is several sources), and of the prefix
// around it that has limits. Meters that counted nothing lately are left out.
[[nodiscard]] std::vector<Meter> meters_of(const View& view, const Prefix& prefix, const Now& now);

// "1,200 pkt/s (ban at 20,000), 98.0 kB/s, 150 SYN/s (limit 200, ban at 1,000) to service x".
[[nodiscard]] std::string in_words(const Meter& meter);
// docs/api.md, `why`.
[[nodiscard]] nlohmann::json to_json(const Meter& meter);

}  // namespace fw::engine
