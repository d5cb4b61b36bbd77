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

constexpr double kPriorStrength = 4;  // in samples of peace
constexpr std::size_t kPeacePerMatch = 500;
constexpr std::size_t kMostMatches = 2;  // samples of peace that may match, however many there are
constexpr std::size_t kBeam = 16;
constexpr std::size_t kMaxCandidates = 64;  // bits of a set of them
constexpr double kTells = 0.7;        // a further field must leave less than this of the doubt
constexpr double kFieldPrice = 0.02;  // of the excess: what a field less is worth
constexpr double kDoubtPrice = 20;

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

Bits matching(std::span<const fw_match_key> keys, const Term& term) {
  fw_signature only{};
  add_term(only, term);
  const unsigned word = place_of(term.field).word;
  const std::uint64_t mask = only.mask.word[word];
  const std::uint64_t value = only.value.word[word];
  Bits bits(keys.size());
  for (std::size_t i = 0; i < keys.size(); i++)
    if ((keys[i].word[word] & mask) == value) bits.set(i);
  return bits;
}

struct Candidate {
  Term term;
  Bits excess, peace;
  std::size_t count;
  Likelihood likelihood;
  double share;  // of ordinary traffic, by the field alone
};

// Does a packet of this scope have the field, and is it not the same in all of them?
bool is_field_of(const TrafficScope& scope, HeaderField field) {
  const bool whole = scope.traffic_class != FW_CLASS_FRAGMENT;
  const bool tcp = whole && scope.proto == 6;
  const bool udp = whole && scope.proto == 17;
  const bool icmp = whole && (scope.proto == 1 || scope.proto == 58);
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

// Values that more than one in nine of the samples has, and maybe others (Misra and Gries, 1982).
std::vector<std::uint64_t> frequent_values(std::span<const fw_match_key> keys,
                                           const FieldPlace& place, unsigned bits) {
  std::array<std::pair<std::uint64_t, std::size_t>, 8> counters{};
  for (const fw_match_key& key : keys) {
    const std::uint64_t value = term_of(key, place, bits).value;
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

class Search {
 public:
  Search(const TrafficScope& scope, std::span<const fw_match_key> excess, std::size_t least,
         const Peace& peace, const FinderOptions& options)
      : scope_(scope), excess_(excess), least_(least), peace_(peace), options_(options) {
    for (const FieldPlace& place : field_places())
      if (is_field_of(scope, place.field)) add_candidates(place);
    std::ranges::stable_sort(candidates_, std::greater{}, &Candidate::count);
    if (candidates_.size() > kMaxCandidates)
      candidates_.erase(candidates_.begin() + kMaxCandidates, candidates_.end());
  }

  std::optional<Conjunction> run() {
    for (std::size_t i = 0; i < candidates_.size(); i++) start(i);
    const unsigned fields = options_.max_fields - (scope_.port != 0 ? 1 : 0);
    for (unsigned size = 2; size <= fields && !next_.empty(); size++) {
      // A further field explains no more than all, and costs its price.
      if (best_ && best_score_ >= 1 - kFieldPrice * size) break;
      std::vector<Node> level = std::exchange(next_, {});
      std::ranges::stable_sort(level, std::greater{}, &Node::promise);
      if (level.size() > kBeam) level.erase(level.begin() + kBeam, level.end());
      for (const Node& node : level) grow(node);
    }
    return best_;
  }

 private:
  struct Node {
    std::uint64_t parts = 0;  // candidates, a bit each
    std::size_t count = 0, peace_count = 0;
    Likelihood likelihood{};
    double rarest = 1, doubt = 1;
    double promise = 0;
  };

  void add_candidates(const FieldPlace& place) {
    std::set<std::size_t> counts;
    for (const unsigned bits : widths(place)) {
      for (const std::uint64_t value : frequent_values(excess_, place, bits)) {
        const Term term{place.field, bits, value};
        Bits matched = matching(excess_, term);
        const std::size_t count = matched.count();
        if (count < least_) continue;
        // A shorter piece of payload that says the same of as many says less.
        if (place.field == HeaderField::payload && !counts.insert(count).second) continue;
        Candidate candidate{term,  std::move(matched),       matching(peace_.keys, term),
                            count, likelihood(scope_, term), 0};
        candidate.share = ordinary_share(scope_, candidate.likelihood);
        const bool everywhere = candidate.peace.count() == peace_.keys.size();
        if (everywhere && candidate.share > 0.95) continue;
        candidates_.push_back(std::move(candidate));
      }
    }
  }

  void start(std::size_t i) {
    const Candidate& one = candidates_[i];
    const std::size_t peace_count = one.peace.count();
    consider({.parts = std::uint64_t{1} << i,
              .count = one.count,
              .peace_count = peace_count,
              .likelihood = one.likelihood,
              .rarest = one.share,
              .doubt = doubt_of(peace_count, peace_.independent, one.share)});
  }

  void grow(const Node& node) {
    Bits excess(excess_.size(), true);
    Bits peace(peace_.keys.size(), true);
    for (std::size_t i = 0; i < candidates_.size(); i++) {
      if ((node.parts >> i & 1) == 0) continue;
      excess &= candidates_[i].excess;
      peace &= candidates_[i].peace;
    }
    for (std::size_t i = 0; i < candidates_.size(); i++) {
      const Candidate& one = candidates_[i];
      Node grown = node;
      grown.parts |= std::uint64_t{1} << i;
      if (names(node, one.term.field) || !seen_.insert(grown.parts).second) continue;
      grown.count = excess.count_both(one.excess);
      if (grown.count < least_) continue;
      grown.peace_count = peace.count_both(one.peace);
      for (std::size_t kind = 0; kind < grown.likelihood.size(); kind++)
        grown.likelihood.at(kind) *= one.likelihood.at(kind);
      grown.rarest = std::min(node.rarest, one.share);
      grown.doubt =
          doubt_of(grown.peace_count, peace_.independent, ordinary_share(scope_, grown.likelihood));
      if (grown.doubt <= node.doubt * kTells) consider(grown);
    }
  }

  [[nodiscard]] bool names(const Node& node, HeaderField field) const {
    for (std::size_t i = 0; i < candidates_.size(); i++)
      if ((node.parts >> i & 1) != 0 && candidates_[i].term.field == field) return true;
    return false;
  }

  void consider(Node node) {
    const double share = static_cast<double>(node.count) / static_cast<double>(excess_.size());
    const auto fields = static_cast<unsigned>(std::popcount(node.parts));
    const double score = share - kFieldPrice * fields - kDoubtPrice * node.doubt;
    if ((!best_ || score > best_score_) && is_safe_here(node, fields)) {
      best_ = Conjunction{terms_of(node), node.count, node.doubt};
      best_score_ = score;
    }
    // Worth going on with: explains much, or is close to being safe.
    node.promise = share * share / (node.doubt + options_.most_doubt / 10);
    next_.push_back(node);
  }

  [[nodiscard]] bool is_safe_here(const Node& node, unsigned fields) const;

  [[nodiscard]] std::vector<Term> terms_of(const Node& node) const {
    std::vector<Term> out;
    for (std::size_t i = 0; i < candidates_.size(); i++)
      if ((node.parts >> i & 1) != 0) out.push_back(candidates_[i].term);
    return out;
  }

  TrafficScope scope_;
  std::span<const fw_match_key> excess_;
  std::size_t least_;
  const Peace& peace_;
  const FinderOptions& options_;
  std::vector<Candidate> candidates_;
  std::vector<Node> next_;
  std::set<std::uint64_t> seen_;
  std::optional<Conjunction> best_;
  double best_score_ = 0;
};

struct Claim {
  std::size_t peace_matches;
  unsigned fields;  // a served port included
  double rarest, doubt;
};

bool holds(const Claim& claim, std::size_t independent, const FinderOptions& options) {
  if (claim.peace_matches > std::min(kMostMatches, independent / kPeacePerMatch)) return false;
  if (claim.doubt > options.most_doubt) return false;
  return independent >= options.enough_peace ||
         (claim.fields >= 2 && claim.rarest <= options.rare_share);
}

bool Search::is_safe_here(const Node& node, unsigned fields) const {
  return holds({node.peace_count, fields + (scope_.port != 0 ? 1U : 0U), node.rarest, node.doubt},
               peace_.independent, options_);
}

}  // namespace

double doubt_of(std::size_t matching, std::size_t independent, double prior_share) {
  return (static_cast<double>(matching) + kPriorStrength * prior_share) /
         (static_cast<double>(independent) + kPriorStrength);
}

bool is_safe(const TrafficScope& scope, std::span<const Term> terms, const Peace& peace,
             const FinderOptions& options) {
  Likelihood all;
  all.fill(1);
  double rarest = 1;
  fw_signature signature{};
  for (const Term& term : terms) {
    const Likelihood one = likelihood(scope, term);
    for (std::size_t kind = 0; kind < all.size(); kind++) all.at(kind) *= one.at(kind);
    rarest = std::min(rarest, ordinary_share(scope, one));
    add_term(signature, term);
  }
  const auto matched = static_cast<std::size_t>(std::ranges::count_if(
      peace.keys, [&](const fw_match_key& key) { return matches(signature, key); }));
  const auto fields = static_cast<unsigned>(terms.size());
  return holds(
      {matched, fields, rarest, doubt_of(matched, peace.independent, ordinary_share(scope, all))},
      peace.independent, options);
}

std::optional<Conjunction> best_conjunction(const TrafficScope& scope,
                                            std::span<const fw_match_key> excess, std::size_t least,
                                            const Peace& peace, const FinderOptions& options) {
  return Search(scope, excess, least, peace, options).run();
}

}  // namespace fw::engine
