// SPDX-License-Identifier: MIT
// One attack, from the first budget that is exceeded until nothing was for ten seconds: its
// vectors, how large it was, and what was dropped.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "abi/vocabulary.h"
#include "base/address.hpp"

namespace fw::engine {

// A budget: of a class, to one address (the unspecified one: to all together), on one served port
// (0: on all ports that are not served).
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
  std::uint64_t dropped = 0;   // packets over a budget, or that match a signature
  std::uint64_t passed = 0;    // packets of unverified sources that budgets let through meanwhile
  std::uint64_t sources = 0;   // new ones; an estimate when the source table is full
  std::uint64_t peak_pps = 0;  // dropped, over a second
  std::string capture;         // the file with the heads of its packets; empty: none
};

// "tcp_syn to 192.0.2.1 port 443"
[[nodiscard]] std::string text_of(const VectorKey& vector);

}  // namespace fw::engine
