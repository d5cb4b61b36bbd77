// SPDX-License-Identifier: MIT
#include "engine/detect/signature_finder.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "engine/detect/signature_priors.hpp"
#include "engine/detect/signature_search.hpp"
#include "policy/policy.h"

namespace fw::engine {

namespace {

constexpr std::size_t kPeacePerSource = 8;  // samples of one source that count as independent
constexpr std::size_t kLeastElsewhere = 16;
constexpr std::size_t kFewUnverified = 2;

struct Seen {
  fw_match_key key;
  TrafficScope scope;
  std::uint64_t source;
};

// The scope whose budget the packet is charged to.
TrafficScope scope_of(const fw_sample& sample) {
  const bool has_port = sample.traffic_class == FW_CLASS_TCP_SYN ||
                        sample.traffic_class == FW_CLASS_TCP_STRAY ||
                        sample.traffic_class == FW_CLASS_UDP_NEW;
  const std::uint16_t port =
      has_port && sample.served != 0 ? sample.packet.dport : std::uint16_t{0};
  return {sample.traffic_class, sample.packet.proto, port};
}

std::vector<Seen> look_at(std::span<const fw_sample> samples, std::size_t most) {
  std::vector<Seen> out;
  const std::size_t count = std::min(samples.size(), most);
  out.reserve(count);
  for (std::size_t i = 0; i < count; i++) {
    const fw_sample& sample = samples[i * samples.size() / count];
    const fw_addr& source = sample.packet.src;
    out.push_back({fw_policy_match_key(&sample.packet), scope_of(sample),
                   sample.packet.is_v6 != 0 ? source.hi : source.lo});
  }
  return out;
}

// Packets that an unverified source's innocent packet of the class looks like: those of the class,
// and those of known conversations, whose next packet is an unverified source's once the
// conversation is forgotten.
bool is_kin(std::uint8_t traffic_class, std::uint8_t other) {
  if (traffic_class == other) return true;
  if (traffic_class == FW_CLASS_TCP_STRAY) return other == FW_CLASS_TCP_FLOW;
  return (traffic_class == FW_CLASS_UDP_REFLECTED || traffic_class == FW_CLASS_UDP_NEW) &&
         other == FW_CLASS_UDP_REPLY;
}

// TCP looks alike on every port; what UDP looks like is up to the service.
bool is_peace_of(const TrafficScope& scope, const TrafficScope& other) {
  if (scope.proto != other.proto || !is_kin(scope.traffic_class, other.traffic_class)) return false;
  return scope.traffic_class != FW_CLASS_UDP_NEW || scope.port == other.port;
}

class Finder {
 public:
  Finder(std::span<const fw_sample> excess, std::span<const fw_sample> peace,
         const FinderOptions& options)
      : options_(options),
        excess_(look_at(excess, options.max_samples)),
        peace_(look_at(peace, options.max_samples)) {
    for (const Seen& seen : excess_) {
      groups_[seen.scope].push_back(seen);
      sizes_[seen.scope]++;
    }
  }

  std::vector<Found> run() {
    std::vector<std::pair<std::size_t, TrafficScope>> order;
    order.reserve(sizes_.size());
    for (const auto& [scope, size] : sizes_) order.emplace_back(size, scope);
    std::ranges::stable_sort(order, std::greater{}, &std::pair<std::size_t, TrafficScope>::first);
    for (const auto& [size, scope] : order)
      if (size >= options_.least_excess) explain(scope, size);
    std::ranges::stable_sort(found_, std::greater{}, &Claimed::matches);
    std::vector<Found> out;
    for (const Claimed& claimed : found_) {
      if (out.size() == options_.max_signatures) break;
      out.push_back(measured(claimed));
    }
    return out;
  }

 private:
  using Group = std::vector<Seen>;
  struct Claimed {
    fw_signature signature{};
    std::uint32_t classes = 0;
    std::vector<Term> terms;  // without the served port
    std::size_t matches = 0;
  };

  // Explains one group of the excess: the best conjunction, then what remains of it.
  void explain(const TrafficScope& scope, std::size_t size) {
    const Peace peace = peace_of(scope);
    const auto least =
        std::max(kLeastElsewhere,
                 static_cast<std::size_t>(options_.least_share * static_cast<double>(size)));
    const Group before = groups_[scope];
    Group& rest = groups_[scope];
    std::size_t spared = 0;
    std::vector<Claimed> claims;
    while (rest.size() >= least && claims.size() < options_.max_signatures) {
      auto best = best_conjunction(scope, match_keys_of(rest), least, peace, options_);
      if (!best) break;
      Claimed one = claim(scope, std::move(*best));
      const std::size_t sources = sources_of(rest, one.signature);
      const std::size_t gone = erase_matching(rest, one.signature);
      if (is_stream(scope.traffic_class) && sources < options_.least_sources)
        spared += gone;
      else
        claims.push_back(std::move(one));
    }
    const auto most_left = (1 - options_.together_share) * static_cast<double>(size);
    if (static_cast<double>(rest.size() + spared) > most_left) {
      rest = before; /* a part that looks alike by chance is no flood */
      return;
    }
    for (Claimed& one : claims) {
      widen(one, scope);
      found_.push_back(std::move(one));
    }
  }

  // Packets of these classes come in long conversations, all of which have much in common: one
  // sender's are no flood's signature.
  static bool is_stream(std::uint8_t traffic_class) {
    return traffic_class != FW_CLASS_TCP_SYN && traffic_class != FW_CLASS_ICMP_ECHO &&
           traffic_class != FW_CLASS_ICMP_OTHER;
  }

  static std::vector<fw_match_key> match_keys_of(const Group& group) {
    std::vector<fw_match_key> out;
    out.reserve(group.size());
    for (const Seen& seen : group) out.push_back(seen.key);
    return out;
  }
  static std::size_t sources_of(const Group& group, const fw_signature& signature) {
    std::set<std::uint64_t> out;
    for (const Seen& seen : group)
      if (matches(signature, seen.key)) out.insert(seen.source);
    return out.size();
  }
  static std::size_t erase_matching(Group& group, const fw_signature& signature) {
    return std::erase_if(group, [&](const Seen& seen) { return matches(signature, seen.key); });
  }

  static Claimed claim(const TrafficScope& scope, Conjunction best) {
    Claimed out;
    out.signature = protocol_signature(scope.proto);
    if (scope.port != 0) add_term(out.signature, {HeaderField::dport, 16, scope.port});
    for (const Term& term : best.terms) add_term(out.signature, term);
    out.classes = 1U << scope.traffic_class;
    out.terms = std::move(best.terms);
    out.matches = best.excess;
    return out;
  }

  // The same flood against other ports, or counted under another class: one signature for all.
  void widen(Claimed& claimed, const TrafficScope& home) {
    for (auto& [scope, group] : groups_) {
      if (scope == home || scope.proto != home.proto) continue;
      fw_signature wider = claimed.signature;
      if (home.port != scope.port && home.port != 0) drop_field(wider, HeaderField::dport);
      const auto here = static_cast<std::size_t>(
          std::ranges::count_if(group, [&](const Seen& seen) { return matches(wider, seen.key); }));
      const auto least = options_.least_share * static_cast<double>(sizes_[scope]);
      if (here < kLeastElsewhere || static_cast<double>(here) < least) continue;
      if (!is_safe(scope, claimed.terms, peace_of(scope), options_)) continue;
      const std::uint32_t classes = claimed.classes | 1U << scope.traffic_class;
      if (unverified_sources(wider, home.proto, classes).first > kFewUnverified) continue;
      claimed.signature = wider;
      claimed.classes = classes;
      claimed.matches += here;
      erase_matching(group, wider);
    }
  }

  [[nodiscard]] Peace peace_of(const TrafficScope& scope) const {
    Peace out;
    std::map<std::uint64_t, std::size_t> of_source;
    for (const Seen& seen : peace_) {
      if (!is_peace_of(scope, seen.scope)) continue;
      out.keys.push_back(seen.key);
      if (++of_source[seen.source] <= kPeacePerSource) out.independent++;
    }
    return out;
  }

  // Samples of peace that the signature would hit, and of how many.
  [[nodiscard]] std::pair<std::size_t, std::size_t> unverified_sources(
      const fw_signature& signature, std::uint8_t proto, std::uint32_t classes) const {
    std::pair<std::size_t, std::size_t> out{0, 0};
    for (const Seen& seen : peace_) {
      bool related = false;
      for (std::uint8_t traffic_class = 0; traffic_class < FW_CLASS_COUNT; traffic_class++)
        related = related || ((classes >> traffic_class & 1) != 0 &&
                              is_kin(traffic_class, seen.scope.traffic_class));
      if (!related || seen.scope.proto != proto) continue;
      out.second++;
      if (matches(signature, seen.key)) out.first++;
    }
    return out;
  }

  [[nodiscard]] Found measured(const Claimed& claimed) const {
    Found out{.signature = claimed.signature, .classes = claimed.classes, .text = {}};
    std::size_t hit = 0;
    std::size_t all = 0;
    for (const Seen& seen : excess_) {
      if ((claimed.classes >> seen.scope.traffic_class & 1) == 0) continue;
      all++;
      if (matches(claimed.signature, seen.key)) hit++;
    }
    if (all > 0) out.excess_share = static_cast<double>(hit) / static_cast<double>(all);
    const auto proto = static_cast<std::uint8_t>(claimed.signature.value.word[0] >> 56);
    const auto [harmed, peaceful] = unverified_sources(claimed.signature, proto, claimed.classes);
    if (peaceful > 0) out.peace_share = static_cast<double>(harmed) / static_cast<double>(peaceful);
    out.text = describe(claimed.signature);
    return out;
  }

  const FinderOptions& options_;
  std::vector<Seen> excess_, peace_;
  std::map<TrafficScope, Group> groups_;  // what is not explained yet
  std::map<TrafficScope, std::size_t> sizes_;
  std::vector<Claimed> found_;
};

}  // namespace

std::vector<Found> find_signatures(std::span<const fw_sample> excess,
                                   std::span<const fw_sample> peace, const FinderOptions& options) {
  return Finder(excess, peace, options).run();
}

}  // namespace fw::engine
