// SPDX-License-Identifier: MIT
// The search for one conjunction of fields: inside signature_finder.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "engine/signature_finder.hpp"
#include "engine/signature_priors.hpp"

namespace fw::engine {

// Ordinary packets that the signature must spare.
struct Peace {
  std::vector<fw_match_key> keys;
  std::size_t independent = 0;  // no source counts for more than a few
};

struct Conjunction {
  std::vector<Term> terms;
  std::size_t excess = 0;  // samples that match
  double doubt = 1;        // expected share of innocent packets that match
};

// How many innocent packets match these terms, as far as peace and prior knowledge tell.
[[nodiscard]] double doubt_of(std::size_t matching, std::size_t independent, double prior_share);

// Whether that is little enough, and known well enough.
[[nodiscard]] bool is_safe(const TrafficScope& scope, std::span<const Term> terms,
                           const Peace& peace, const FinderOptions& options);

// The conjunction that explains most of the excess with the fewest fields, among those that are
// safe and match at least `least` samples.
[[nodiscard]] std::optional<Conjunction> best_conjunction(const TrafficScope& scope,
                                                          std::span<const fw_match_key> excess,
                                                          std::size_t least, const Peace& peace,
                                                          const FinderOptions& options);

}  // namespace fw::engine
