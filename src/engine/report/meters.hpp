// SPDX-License-Identifier: MIT
// What one source sends at this moment, as the datapath meters it. The meters are the datapath's,
// which writes them meanwhile: a rate may be a packet off.
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
  bool verified = false;  // of its verified conversations; else of all its other packets
  std::array<std::uint64_t, FW_METRIC_COUNT> rates{};  // packets or bytes per second
  config::Limits limits;                               // what they are held against
};

// Those of the source that `prefix` is, or is part of (none if it is more than one), and of the
// prefix around it that has limits; without those that sent nothing of late.
[[nodiscard]] std::vector<Meter> meters_of(const View& view, const Prefix& prefix, const Now& now);

// "1,200 pkt/s (ban at 20,000), 98.0 kB/s, 150 SYN/s (limit 200, ban at 1,000) to service x".
[[nodiscard]] std::string in_words(const Meter& meter);
// docs/api.md, `why`.
[[nodiscard]] nlohmann::json to_json(const Meter& meter);

}  // namespace fw::engine
