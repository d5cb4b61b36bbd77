// SPDX-License-Identifier: MIT
// The part of `why` about a source that no list and no ban decides: whether its packets are lost
// all the same, to budgets, signatures, limits or a service's action.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "engine/report/view.hpp"

namespace fw::engine {

struct WhyNow {
  std::string headline;
  bool loses = false;  // packets of it are dropped, or would be in mode observe
  std::vector<std::array<std::string, 2>> lines;
  std::vector<std::string> remedies;
};

// "udp/27015", "tcp/80"; none: it is no port.
[[nodiscard]] std::optional<PortKey> parse_port(std::string_view text);

[[nodiscard]] WhyNow why_now(const View& view, const Prefix& prefix,
                             const std::optional<PortKey>& port, const Now& now);

}  // namespace fw::engine
