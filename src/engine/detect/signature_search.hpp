// SPDX-License-Identifier: MIT
// The search for the match fields that explain most of a group's excess and spare the baseline: a
// beam search (Lowerre, 1976) over the frequent values of each field. Pure; used by the signature
// finder only.
//
// How many ordinary packets a conjunction of fields matches is estimated from the baseline's
// samples and from what ordinary stacks send (signature_priors.hpp): the false-positive rate.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "engine/detect/signature_fields.hpp"
#include "engine/detect/signature_priors.hpp"

namespace fw::engine {

// Judgement, where nothing else is said; held by the gates of docs/detection.md.
struct FinderOptions {
  std::size_t max_samples = 4096;  // of each side, then every n-th; 1.5 to 4.4 ms (measured)
  std::size_t min_excess = 64;     // samples of a class and port; fewer are no evidence
  std::size_t min_sources = 8;     // of a class whose packets come in long flows
  unsigned max_fields = 4;         // besides the protocol
  unsigned max_signatures = 8;     // in one search; the datapath's table holds 64
  double min_share = 0.2;          // of its group's excess, for one signature ...
  double min_total_share = 0.5;    // ... and for all signatures of a group
  double max_fp_rate = 0.0025;     // half of the 0.5 % of docs/detection.md's gate
  std::size_t enough_baseline =
      200;                    // independent samples; with fewer the next line holds as well:
  double rare_share = 0.005;  // two fields must match, one of them rarer than this
  // What is answered or borne may be a crowd, whose questions to a service are all alike. With too
  // small a baseline to know its questions, a signature must have more in common than these.
  bool may_be_a_crowd = false;
};

// Ordinary packets, which a signature must spare.
struct BaselineSamples {
  std::vector<fw_match_key> keys;
  std::size_t independent = 0;  // each source counted a few times at most
};

// The estimated share of ordinary packets that match, from `matching` of `independent` samples and
// the share expected beforehand: the mean of a beta distribution (Laplace's rule of succession).
[[nodiscard]] double false_positive_rate(std::size_t matching, std::size_t independent,
                                         double prior_share);

// Whether that rate is low enough, and known well enough.
[[nodiscard]] bool is_safe(const TrafficScope& scope, std::span<const MatchField> fields,
                           const BaselineSamples& baseline, const FinderOptions& options);

// The fields with the highest score among those that are safe and match at least `min_matches`
// samples; none: there are no such fields.
[[nodiscard]] std::optional<std::vector<MatchField>> best_fields(
    const TrafficScope& scope, std::span<const fw_match_key> excess, std::size_t min_matches,
    const BaselineSamples& baseline, const FinderOptions& options);

}  // namespace fw::engine
