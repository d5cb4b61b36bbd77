// SPDX-License-Identifier: MIT
// What a flood's packets have in common and peace does not. Pure: samples in, signatures out; the
// same samples give the same signatures, in a few milliseconds however many there are.
//
// The excess is what budgets refused, bystanders included; it is looked at class by class and, as
// budgets are, by the served port. Peace is what came before the trouble and what verified peers
// send now. The caller keeps the flood's first packets out of it: those of the last second before a
// budget was exceeded are not peace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/signature_fields.hpp"
#include "policy/abi.h"

namespace fw::engine {

struct FinderOptions {
  std::size_t max_samples = 4096;  // of each side; of more, every n-th is looked at
  std::size_t least_excess = 64;   // samples of a class (and port); of fewer nothing is said
  std::size_t least_sources = 8;   // of packets that come in long conversations (not SYN, not ICMP)
  unsigned max_fields = 4;         // besides the protocol
  unsigned max_signatures = 8;
  double least_share = 0.2;  // of the excess of a class (and port), that one signature explains ...
  double together_share = 0.5;     // ... and all of them
  double most_doubt = 0.0025;      // expected share of innocent packets that match
  std::size_t enough_peace = 200;  // with fewer samples two fields, one of them rare, must agree
  double rare_share = 0.005;
};

struct Found {
  fw_signature signature{};
  std::uint32_t classes = 0;  // bit i: enum fw_class i
  double excess_share = 0;    // of the excess of these classes: what it matches, 0 to 1
  double peace_share = 0;     // of peace and of verified traffic of the same kind
  std::string text;           // describe()
};

// The signature that explains most comes first. None is no error: a flood may look like anybody.
[[nodiscard]] std::vector<Found> find_signatures(std::span<const fw_sample> excess,
                                                 std::span<const fw_sample> peace,
                                                 const FinderOptions& options = {});

}  // namespace fw::engine
