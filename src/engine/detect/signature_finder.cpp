// SPDX-License-Identifier: MIT
#include "engine/detect/signature_finder.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "engine/detect/signature_priors.hpp"
#include "policy/policy.h"

namespace fw::engine {

namespace {

// Judgement. A source's samples depend on each other: so many of them count as independent.
constexpr std::size_t kIndependentPerSource = 8;
// Judgement. A signature explains at least so many samples, whatever share of its group they are.
constexpr std::size_t kMinMatches = 16;
// Judgement. A signature is widened to another group only if it matches no more of the baseline.
constexpr std::size_t kMaxBaselineMatches = 2;

struct Sample {
  fw_match_key key;
  TrafficScope scope;
  std::uint64_t source;
};

// The scope whose budget the packet takes its token from.
TrafficScope scope_of(const fw_sample& sample) {
  const bool has_port =
      fw_class_has_port(sample.traffic_class) != 0 && (sample.served & FW_SERVED) != 0;
  const std::uint16_t port = has_port ? sample.packet.dport : std::uint16_t{0};
  return {sample.traffic_class, sample.packet.proto, port};
}

// Systematic sampling: every n-th, if there are more than `max_samples`.
std::vector<Sample> thin_out(std::span<const fw_sample> samples, std::size_t max_samples) {
  std::vector<Sample> out;
  const std::size_t count = std::min(samples.size(), max_samples);
  out.reserve(count);
  for (std::size_t i = 0; i < count; i++) {
    const fw_sample& sample = samples[i * samples.size() / count];
    const fw_addr& source = sample.packet.src;
    out.push_back({fw_policy_match_key(&sample.packet), scope_of(sample),
                   sample.packet.is_v6 != 0 ? source.hi : source.lo});
  }
  return out;
}

// Whether ordinary packets of `other` look like those of `traffic_class`. A flow that is forgotten
// changes the class of its packets: the next tcp_flow packet is tcp_stray, the next udp_reply is
// udp_reflected or udp_new.
bool is_related(std::uint8_t traffic_class, std::uint8_t other) {
  if (traffic_class == other) return true;
  if (traffic_class == FW_CLASS_TCP_STRAY) return other == FW_CLASS_TCP_FLOW;
  return (traffic_class == FW_CLASS_UDP_REFLECTED || traffic_class == FW_CLASS_UDP_NEW) &&
         other == FW_CLASS_UDP_REPLY;
}

// Whether samples of `other` are a baseline for `scope`. TCP looks alike on every port; what UDP
// looks like is up to the service.
bool is_baseline_of(const TrafficScope& scope, const TrafficScope& other) {
  if (scope.proto != other.proto || !is_related(scope.traffic_class, other.traffic_class))
    return false;
  return scope.traffic_class != FW_CLASS_UDP_NEW || scope.port == other.port;
}

// Packets of all other classes come in long flows whose packets are alike, so that those of a
// single sender would pass for a flood's common fields.
bool comes_in_flows(std::uint8_t traffic_class) {
  return traffic_class != FW_CLASS_TCP_SYN && traffic_class != FW_CLASS_ICMP_ECHO &&
         traffic_class != FW_CLASS_ICMP_OTHER;
}

class Finder {
 public:
  Finder(std::span<const fw_sample> excess, std::span<const fw_sample> baseline,
         const FinderOptions& options)
      : options_(options),
        excess_(thin_out(excess, options.max_samples)),
        baseline_(thin_out(baseline, options.max_samples)) {
    for (const Sample& sample : excess_) {
      groups_[sample.scope].push_back(sample);
      sizes_[sample.scope]++;
    }
  }

  std::vector<FoundSignature> run() {
    std::vector<std::pair<std::size_t, TrafficScope>> order;
    order.reserve(sizes_.size());
    for (const auto& [scope, size] : sizes_) order.emplace_back(size, scope);
    std::ranges::stable_sort(order, std::greater{}, &std::pair<std::size_t, TrafficScope>::first);
    for (const auto& [size, scope] : order)
      if (size >= options_.min_excess) explain(scope, size);
    std::ranges::stable_sort(found_, std::greater{}, &FoundSignature::matches);
    if (found_.size() > options_.max_signatures) found_.resize(options_.max_signatures);
    for (FoundSignature& found : found_) describe_shares(found);
    return std::move(found_);
  }

 private:
  using Group = std::vector<Sample>;

  // Explains one group of the excess: the best fields, then those of what remains, and so on.
  void explain(const TrafficScope& scope, std::size_t size) {
    const BaselineSamples baseline = baseline_of(scope);
    const auto min_matches = std::max(
        kMinMatches, static_cast<std::size_t>(options_.min_share * static_cast<double>(size)));
    const Group before = groups_[scope];
    Group& rest = groups_[scope];
    std::size_t of_few_sources = 0;
    std::vector<FoundSignature> found;
    while (rest.size() >= min_matches && found.size() < options_.max_signatures) {
      auto fields = best_fields(scope, match_keys_of(rest), min_matches, baseline, options_);
      if (!fields) break;
      FoundSignature one = signature_of(scope, std::move(*fields));
      const std::size_t sources = sources_of(rest, one.signature);
      one.matches = erase_matching(rest, one.signature);
      if (comes_in_flows(scope.traffic_class) && sources < options_.min_sources)
        of_few_sources += one.matches;
      else
        found.push_back(std::move(one));
    }
    const double most_unexplained = (1 - options_.min_total_share) * static_cast<double>(size);
    if (static_cast<double>(rest.size() + of_few_sources) > most_unexplained) {
      rest = before;  // some packets look alike by chance: that does not make the group a flood
      return;
    }
    for (FoundSignature& one : found) {
      widen(one, scope);
      found_.push_back(std::move(one));
    }
  }

  static std::vector<fw_match_key> match_keys_of(const Group& group) {
    std::vector<fw_match_key> out;
    out.reserve(group.size());
    for (const Sample& sample : group) out.push_back(sample.key);
    return out;
  }
  static std::size_t sources_of(const Group& group, const fw_signature& signature) {
    std::set<std::uint64_t> out;
    for (const Sample& sample : group)
      if (matches(signature, sample.key)) out.insert(sample.source);
    return out.size();
  }
  static std::size_t erase_matching(Group& group, const fw_signature& signature) {
    return std::erase_if(group,
                         [&](const Sample& sample) { return matches(signature, sample.key); });
  }

  static FoundSignature signature_of(const TrafficScope& scope, std::vector<MatchField> fields) {
    FoundSignature out;
    out.signature = protocol_signature(scope.proto);
    if (scope.port != 0) add_field(out.signature, {HeaderField::dport, 16, scope.port});
    for (const MatchField& field : fields) add_field(out.signature, field);
    out.classes = 1U << scope.traffic_class;
    out.fields = std::move(fields);
    return out;
  }

  // The same flood to other ports, or counted under another class, becomes the same signature.
  void widen(FoundSignature& found, const TrafficScope& home) {
    for (auto& [scope, group] : groups_) {
      if (scope == home || scope.proto != home.proto) continue;
      fw_signature wider = found.signature;
      if (home.port != scope.port && home.port != 0) drop_field(wider, HeaderField::dport);
      const auto here = static_cast<std::size_t>(std::ranges::count_if(
          group, [&](const Sample& sample) { return matches(wider, sample.key); }));
      const double min_share = options_.min_share * static_cast<double>(sizes_[scope]);
      if (here < kMinMatches || static_cast<double>(here) < min_share) continue;
      if (!is_safe(scope, found.fields, baseline_of(scope), options_)) continue;
      const std::uint32_t classes = found.classes | 1U << scope.traffic_class;
      if (baseline_matches(wider, classes).first > kMaxBaselineMatches) continue;
      found.signature = wider;
      found.classes = classes;
      found.matches += here;
      erase_matching(group, wider);
    }
  }

  [[nodiscard]] BaselineSamples baseline_of(const TrafficScope& scope) const {
    BaselineSamples out;
    std::map<std::uint64_t, std::size_t> of_source;
    for (const Sample& sample : baseline_) {
      if (!is_baseline_of(scope, sample.scope)) continue;
      out.keys.push_back(sample.key);
      if (++of_source[sample.source] <= kIndependentPerSource) out.independent++;
    }
    return out;
  }

  // How many samples of the baseline's related classes match, and how many there are.
  [[nodiscard]] std::pair<std::size_t, std::size_t> baseline_matches(const fw_signature& signature,
                                                                     std::uint32_t classes) const {
    const std::uint8_t proto = protocol_of(signature);
    std::pair<std::size_t, std::size_t> out{0, 0};
    for (const Sample& sample : baseline_) {
      bool related = false;
      for (std::uint8_t traffic_class = 0; traffic_class < FW_CLASS_COUNT; traffic_class++)
        related = related || ((classes >> traffic_class & 1) != 0 &&
                              is_related(traffic_class, sample.scope.traffic_class));
      if (!related || sample.scope.proto != proto) continue;
      out.second++;
      if (matches(signature, sample.key)) out.first++;
    }
    return out;
  }

  void describe_shares(FoundSignature& found) const {
    std::size_t matched = 0;
    std::size_t all = 0;
    for (const Sample& sample : excess_) {
      if ((found.classes >> sample.scope.traffic_class & 1) == 0) continue;
      all++;
      if (matches(found.signature, sample.key)) matched++;
    }
    if (all > 0) found.excess_share = static_cast<double>(matched) / static_cast<double>(all);
    const auto [innocent, baseline] = baseline_matches(found.signature, found.classes);
    if (baseline > 0)
      found.baseline_share = static_cast<double>(innocent) / static_cast<double>(baseline);
    found.text = describe(found.signature);
  }

  const FinderOptions& options_;
  std::vector<Sample> excess_, baseline_;
  std::map<TrafficScope, Group> groups_;  // the excess that no signature explains yet
  std::map<TrafficScope, std::size_t> sizes_;
  std::vector<FoundSignature> found_;
};

}  // namespace

std::vector<FoundSignature> find_signatures(std::span<const fw_sample> excess,
                                            std::span<const fw_sample> baseline,
                                            const FinderOptions& options) {
  return Finder(excess, baseline, options).run();
}

}  // namespace fw::engine
