// SPDX-License-Identifier: MIT
#include "engine/detect/signature_search.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <set>
#include <utility>

namespace fw::engine {

namespace {

// Judgement, held by the gates of docs/detection.md and by the unit tests of the finder.
constexpr double kPriorSamples = 4;  // the prior weighs as much as so many baseline samples
// One matching baseline sample is tolerated per so many (0.2 %, the order of max_fp_rate) ...
constexpr std::size_t kSamplesPerMatch = 500;
constexpr std::size_t kMaxMatches = 2;      // ... and never more than this
constexpr std::size_t kBeamWidth = 16;      // nodes kept per level: bounds the time of a search
constexpr std::size_t kMaxCandidates = 64;  // bits of Node::fields
constexpr double kMaxUbiquity = 0.95;       // a value that more ordinary packets have tells nothing
constexpr double kMinGain =
    0.7;  // a further field must lower the false-positive rate to this share
constexpr double kCloseShare = 0.99;  // of a signature's samples have a field that it takes up
constexpr double kComplexityPenalty = 0.02;   // a field is worth 2 % of the excess
constexpr double kFalsePositivePenalty = 20;  // 0.25 % of false positives cost 5 % of the excess

// A set of samples.
class Bits {
 public:
  explicit Bits(std::size_t size, bool all = false)
      : words_((size + 63) / 64, all ? ~std::uint64_t{0} : 0) {}
  void set(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << i % 64; }
  [[nodiscard]] std::size_t count() const {
    std::size_t sum = 0;
    for (const std::uint64_t word : words_) sum += static_cast<std::size_t>(std::popcount(word));
    return sum;
  }
  [[nodiscard]] std::size_t count_both(const Bits& other) const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < words_.size(); i++)
      sum += static_cast<std::size_t>(std::popcount(words_[i] & other.words_[i]));
    return sum;
  }
  Bits& operator&=(const Bits& other) {
    for (std::size_t i = 0; i < words_.size(); i++) words_[i] &= other.words_[i];
    return *this;
  }

 private:
  std::vector<std::uint64_t> words_;
};

Bits matching(std::span<const fw_match_key> keys, const MatchField& field) {
  fw_signature only{};
  add_field(only, field);
  const unsigned word = place_of(field.field).word;
  const std::uint64_t mask = only.mask.word[word];
  const std::uint64_t value = only.value.word[word];
  Bits bits(keys.size());
  for (std::size_t i = 0; i < keys.size(); i++)
    if ((keys[i].word[word] & mask) == value) bits.set(i);
  return bits;
}

// A field with a value that is frequent in the excess.
struct Candidate {
  MatchField field;
  Bits excess, baseline;  // the samples that match
  std::size_t count;      // of the excess
  Likelihood likelihood;
  double prior_share;  // of ordinary traffic, by this field alone
};

// Do packets of this scope have the field, with more than one value?
bool is_field_of(const TrafficScope& scope, HeaderField field) {
  const bool whole = scope.traffic_class != FW_CLASS_FRAGMENT;
  const bool tcp = whole && scope.proto == FW_IPPROTO_TCP;
  const bool udp = whole && scope.proto == FW_IPPROTO_UDP;
  const bool icmp = whole && (scope.proto == FW_IPPROTO_ICMP || scope.proto == FW_IPPROTO_ICMPV6);
  switch (field) {
    case HeaderField::flags:
    case HeaderField::window:
    case HeaderField::header:
      return tcp;
    case HeaderField::sport:
      return tcp || udp;
    case HeaderField::dport:
      return (tcp || udp || icmp) && scope.port == 0;
    case HeaderField::icmp:
      return icmp;
    case HeaderField::payload:
      return tcp || udp || icmp;
    case HeaderField::fragment:
      return whole;
    default:
      return true;
  }
}

// All values that more than one in nine samples has, and maybe others: the frequent-items algorithm
// of Misra and Gries (1982) with eight counters.
std::vector<std::uint64_t> frequent_values(std::span<const fw_match_key> keys,
                                           const FieldPlace& place, unsigned bits) {
  std::array<std::pair<std::uint64_t, std::size_t>, 8> counters{};
  for (const fw_match_key& key : keys) {
    const std::uint64_t value = field_of(key, place, bits).value;
    auto* free = counters.end();
    auto* found = counters.end();
    for (auto* counter = counters.begin(); counter != counters.end(); counter++) {
      if (counter->second == 0)
        free = counter;
      else if (counter->first == value)
        found = counter;
    }
    if (found != counters.end())
      found->second++;
    else if (free != counters.end())
      *free = {value, 1};
    else
      for (auto& counter : counters) counter.second--;
  }
  std::vector<std::uint64_t> out;
  for (const auto& [value, count] : counters)
    if (count > 0) out.push_back(value);
  std::ranges::sort(out);
  return out;
}

std::vector<unsigned> widths(const FieldPlace& place) {
  if (place.field == HeaderField::payload) return {64, 32, 16, 8};
  return {place.bits};
}

// What is_safe() and the search judge a conjunction by.
struct Estimate {
  std::size_t baseline_matches;
  unsigned fields;  // the served port included
  double rarest;    // the least prior share of a single field
  double fp_rate;
};

bool is_acceptable(const Estimate& estimate, std::size_t independent,
                   const FinderOptions& options) {
  if (estimate.baseline_matches > std::min(kMaxMatches, independent / kSamplesPerMatch))
    return false;
  if (estimate.fp_rate > options.max_fp_rate) return false;
  return independent >= options.enough_baseline ||
         (estimate.fields >= 2 && estimate.rarest <= options.rare_share);
}

class BeamSearch {
 public:
  BeamSearch(const TrafficScope& scope, std::span<const fw_match_key> excess,
             std::size_t min_matches, const BaselineSamples& baseline, const FinderOptions& options)
      : scope_(scope),
        excess_(excess),
        min_matches_(min_matches),
        baseline_(baseline),
        options_(options) {
    for (const FieldPlace& place : field_places())
      if (is_field_of(scope, place.field)) add_candidates(place);
    std::ranges::stable_sort(candidates_, std::greater{}, &Candidate::count);
    if (candidates_.size() > kMaxCandidates)
      candidates_.erase(candidates_.begin() + kMaxCandidates, candidates_.end());
  }

  std::optional<std::vector<MatchField>> run() {
    for (std::size_t i = 0; i < candidates_.size(); i++) start(i);
    const unsigned max_fields = options_.max_fields - (scope_.port != 0 ? 1 : 0);
    for (unsigned size = 2; size <= max_fields && !next_level_.empty(); size++) {
      // Not even a match of the whole excess would make up for one more field's penalty.
      if (best_ && best_score_ >= 1 - kComplexityPenalty * size) break;
      std::vector<Node> level = std::exchange(next_level_, {});
      std::ranges::stable_sort(level, std::greater{}, &Node::priority);
      if (level.size() > kBeamWidth) level.erase(level.begin() + kBeamWidth, level.end());
      for (const Node& node : level) expand(node);
    }
    if (best_ && scope_.traffic_class == FW_CLASS_UDP_NEW && scope_.port != 0) close();
    return best_;
  }

 private:
  // A conjunction of candidates.
  struct Node {
    std::uint64_t fields = 0;  // bit i: candidate i
    std::size_t count = 0, baseline_count = 0;
    Likelihood likelihood{};
    double rarest = 1, fp_rate = 1;
    double priority = 0;  // in the beam
  };

  void add_candidates(const FieldPlace& place) {
    std::set<std::size_t> counts;
    for (const unsigned bits : widths(place)) {
      for (const std::uint64_t value : frequent_values(excess_, place, bits)) {
        const MatchField field{place.field, bits, value};
        Bits matched = matching(excess_, field);
        const std::size_t count = matched.count();
        if (count < min_matches_) continue;
        // A shorter piece of payload that matches as many samples as a longer one adds nothing.
        if (place.field == HeaderField::payload && !counts.insert(count).second) continue;
        Candidate candidate{field, std::move(matched),        matching(baseline_.keys, field),
                            count, likelihood(scope_, field), 0};
        candidate.prior_share = prior_share(scope_, candidate.likelihood);
        const bool everywhere = candidate.baseline.count() == baseline_.keys.size();
        if (everywhere && candidate.prior_share > kMaxUbiquity) continue;
        candidates_.push_back(std::move(candidate));
      }
    }
  }

  void start(std::size_t i) {
    const Candidate& one = candidates_[i];
    const std::size_t matches = one.baseline.count();
    consider({.fields = std::uint64_t{1} << i,
              .count = one.count,
              .baseline_count = matches,
              .likelihood = one.likelihood,
              .rarest = one.prior_share,
              .fp_rate = false_positive_rate(matches, baseline_.independent, one.prior_share)});
  }

  void expand(const Node& node) {
    Bits excess(excess_.size(), true);
    Bits baseline(baseline_.keys.size(), true);
    for (std::size_t i = 0; i < candidates_.size(); i++) {
      if ((node.fields >> i & 1) == 0) continue;
      excess &= candidates_[i].excess;
      baseline &= candidates_[i].baseline;
    }
    for (std::size_t i = 0; i < candidates_.size(); i++) {
      const Candidate& one = candidates_[i];
      Node grown = node;
      grown.fields |= std::uint64_t{1} << i;
      if (has_field(node, one.field.field) || !visited_.insert(grown.fields).second) continue;
      grown.count = excess.count_both(one.excess);
      if (grown.count < min_matches_) continue;
      grown.baseline_count = baseline.count_both(one.baseline);
      for (std::size_t kind = 0; kind < grown.likelihood.size(); kind++)
        grown.likelihood.at(kind) *= one.likelihood.at(kind);
      grown.rarest = std::min(node.rarest, one.prior_share);
      grown.fp_rate = false_positive_rate(grown.baseline_count, baseline_.independent,
                                          prior_share(scope_, grown.likelihood));
      if (grown.fp_rate <= node.fp_rate * kMinGain) consider(grown);
    }
  }

  [[nodiscard]] bool has_field(const Node& node, HeaderField field) const {
    for (std::size_t i = 0; i < candidates_.size(); i++)
      if ((node.fields >> i & 1) != 0 && candidates_[i].field.field == field) return true;
    return false;
  }

  // Who asks a UDP service may not have been seen yet, or an attacker may have shown other users
  // before. So all that nearly every sample of the signature shares goes into it (the closed set
  // of Pasquier, Bastide, Taouil, Lakhal, 1999): it drops the flood as before, and fewer others.
  void close() {
    Bits excess(excess_.size(), true);
    std::set<HeaderField> fields;
    for (const Candidate& one : candidates_) {
      if (std::ranges::find(*best_, one.field) == best_->end()) continue;
      excess &= one.excess;
      fields.insert(one.field.field);
    }
    for (const Candidate& one : candidates_) {
      const std::size_t both = excess.count_both(one.excess);
      if (static_cast<double>(both) < kCloseShare * static_cast<double>(excess.count()) ||
          both < min_matches_ || !fields.insert(one.field.field).second)
        continue;
      excess &= one.excess;
      best_->push_back(one.field);
    }
  }

  void consider(Node node) {
    const double share = static_cast<double>(node.count) / static_cast<double>(excess_.size());
    const auto fields = static_cast<unsigned>(std::popcount(node.fields));
    const double score = share - kComplexityPenalty * fields - kFalsePositivePenalty * node.fp_rate;
    const unsigned fields_and_port = fields + (scope_.port != 0 ? 1U : 0U);
    if ((!best_ || score > best_score_) &&
        is_acceptable({node.baseline_count, fields_and_port, node.rarest, node.fp_rate},
                      baseline_.independent, options_) &&
        !may_be_a_crowd(node)) {
      best_ = fields_of(node);
      best_score_ = score;
    }
    // Worth expanding: what explains much, or is close to being safe. A tenth of the limit keeps a
    // rate of 0 from outweighing everything.
    node.priority = share * share / (node.fp_rate + options_.max_fp_rate / 10);
    next_level_.push_back(node);
  }

  // Whether it has nothing in common but what any question to this service may have. Where both
  // ends have the service's port (NTP, IKE, WireGuard), the sender's is such a field, too.
  [[nodiscard]] bool may_be_a_crowd(const Node& node) const {
    if (!options_.may_be_a_crowd || scope_.traffic_class != FW_CLASS_UDP_NEW || scope_.port == 0 ||
        baseline_.independent >= options_.enough_baseline)
      return false;
    return std::ranges::all_of(fields_of(node), [&](const MatchField& field) {
      if (field.field == HeaderField::sport) return field.bits == 16 && field.value == scope_.port;
      return field.field != HeaderField::ttl;
    });
  }

  [[nodiscard]] std::vector<MatchField> fields_of(const Node& node) const {
    std::vector<MatchField> out;
    for (std::size_t i = 0; i < candidates_.size(); i++)
      if ((node.fields >> i & 1) != 0) out.push_back(candidates_[i].field);
    return out;
  }

  TrafficScope scope_;
  std::span<const fw_match_key> excess_;
  std::size_t min_matches_;
  const BaselineSamples& baseline_;
  const FinderOptions& options_;
  std::vector<Candidate> candidates_;
  std::vector<Node> next_level_;
  std::set<std::uint64_t> visited_;  // Node::fields
  std::optional<std::vector<MatchField>> best_;
  double best_score_ = 0;
};

}  // namespace

double false_positive_rate(std::size_t matching, std::size_t independent, double prior_share) {
  return (static_cast<double>(matching) + kPriorSamples * prior_share) /
         (static_cast<double>(independent) + kPriorSamples);
}

bool is_safe(const TrafficScope& scope, std::span<const MatchField> fields,
             const BaselineSamples& baseline, const FinderOptions& options) {
  Likelihood all;
  all.fill(1);
  double rarest = 1;
  fw_signature signature{};
  for (const MatchField& field : fields) {
    const Likelihood one = likelihood(scope, field);
    for (std::size_t kind = 0; kind < all.size(); kind++) all.at(kind) *= one.at(kind);
    rarest = std::min(rarest, prior_share(scope, one));
    add_field(signature, field);
  }
  const auto matched = static_cast<std::size_t>(std::ranges::count_if(
      baseline.keys, [&](const fw_match_key& key) { return matches(signature, key); }));
  return is_acceptable(
      {matched, static_cast<unsigned>(fields.size()), rarest,
       false_positive_rate(matched, baseline.independent, prior_share(scope, all))},
      baseline.independent, options);
}

std::optional<std::vector<MatchField>> best_fields(const TrafficScope& scope,
                                                   std::span<const fw_match_key> excess,
                                                   std::size_t min_matches,
                                                   const BaselineSamples& baseline,
                                                   const FinderOptions& options) {
  return BeamSearch(scope, excess, min_matches, baseline, options).run();
}

}  // namespace fw::engine
