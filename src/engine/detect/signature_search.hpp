// SPDX-License-Identifier: MIT
// The search for one conjunction of fields: inside signature_finder.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "engine/detect/signature_fields.hpp"
#include "engine/detect/signature_priors.hpp"

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
