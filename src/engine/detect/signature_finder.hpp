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

#include "abi/abi.h"
#include "engine/detect/signature_fields.hpp"
#include "engine/detect/signature_search.hpp"

namespace fw::engine {

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
