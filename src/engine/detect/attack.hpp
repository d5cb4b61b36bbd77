// SPDX-License-Identifier: MIT
// One attack: from the first budget that is exceeded until all has been quiet for a while. What it
// consists of (its vectors), how large it was, and what came of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "abi/abi.h"
#include "base/address.hpp"

namespace fw::engine {

// A budget: of a class, to an address (the unspecified one: to all together), on a port where a
// service answers (0: on all others).
struct VectorKey {
  fw_class traffic_class = FW_CLASS_OTHER;
  Address dst;
  std::uint16_t port = 0;

  auto operator<=>(const VectorKey&) const = default;
};

struct Vector {
  std::uint64_t refused = 0;   // packets
  std::uint64_t peak_pps = 0;  // refused
};

struct Attack {
  std::string id;                                       // "20261122-1": the day and a number
  std::uint64_t since_ns = 0, last_ns = 0, end_ns = 0;  // end: 0 while it lasts
  std::map<VectorKey, Vector> vectors;
  std::uint64_t dropped = 0;  // packets: over budget or matching a signature
  std::uint64_t passed = 0;  // packets of unverified sources that the budgets let through meanwhile
  std::uint64_t sources = 0;   // that were not seen before; an estimate under table pressure
  std::uint64_t peak_pps = 0;  // dropped, over a second
  std::string capture;         // the file that holds its packets' heads; empty: none
};

// "tcp_syn to 192.0.2.1 port 443"
[[nodiscard]] std::string text_of(const VectorKey& vector);

}  // namespace fw::engine
