// SPDX-License-Identifier: MIT
// What a flood's packets have in common and ordinary packets have not. Pure: samples in, signatures
// out; the same samples give the same signatures, in a few milliseconds however many there are.
//
// The excess is what budgets refused, bystanders included. It is searched by class and, like
// budgets, by served port. The baseline is what came before the attack and what verified peers send
// now. The caller keeps the flood's first packets out of it (samples.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "abi/messages.h"
#include "engine/detect/signature_fields.hpp"
#include "engine/detect/signature_search.hpp"

namespace fw::engine {

struct FoundSignature {
  fw_signature signature{};
  std::uint32_t classes = 0;       // bit i: enum fw_class i
  std::vector<MatchField> fields;  // without the protocol and the served port
  std::size_t matches = 0;         // samples of the excess
  double excess_share = 0;         // of the excess of these classes: what it matches, 0 to 1
  double baseline_share = 0;       // of the baseline's samples of related classes
  std::string text;                // describe()
};

// The signature that explains most comes first. None is no error: a flood may look like ordinary
// clients.
[[nodiscard]] std::vector<FoundSignature> find_signatures(std::span<const fw_sample> excess,
                                                          std::span<const fw_sample> baseline,
                                                          const FinderOptions& options = {});

}  // namespace fw::engine
