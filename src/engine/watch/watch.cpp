// SPDX-License-Identifier: MIT
#include "engine/watch/watch.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "datapath/address_key.hpp"

namespace fw::engine {
namespace {

constexpr std::size_t kBorne = FW_REASON_COUNT;  // a group of samples of its own
constexpr std::size_t kLately = 3;               // seconds that are compared with those before
constexpr std::size_t kPortsOfSource = 4;
constexpr unsigned kPrefixV4 = 96 + 24, kPrefixV6 = 48;

bool is_excess(fw_reason reason) {
  return reason == FW_REASON_BUDGET || reason == FW_REASON_SIGNATURE || reason == FW_REASON_LIMIT ||
         reason == FW_REASON_CHALLENGE || reason == FW_REASON_RESTRICT || reason == FW_REASON_BAN ||
         reason == FW_REASON_SPOOFED;
}

Prefix prefix_around(const Address& address) {
  const unsigned bits = address.is_v4() ? kPrefixV4 : kPrefixV6;
  return {.address = masked(address, bits), .bits = bits};
}

template <typename Key>
void sort_heavy(std::vector<Heavy<Key>>& all, bool by_dropped) {
  const auto weight = [by_dropped](const Heavy<Key>& heavy) {
    return by_dropped ? heavy.shares.dropped() : heavy.packets - heavy.surplus;
  };
  if (by_dropped) std::erase_if(all, [&](const auto& heavy) { return weight(heavy) <= 0; });
  std::ranges::sort(all, [&](const auto& a, const auto& b) {
    return weight(a) != weight(b) ? weight(a) > weight(b) : a.key < b.key;
  });
}

void scale(Shares& shares, double factor) {
  for (double& packets : shares.by_reason) packets *= factor;
  shares.borne *= factor;
}

}  // namespace

double Shares::dropped() const {
  double sum = 0;
  for (unsigned i = 0; i < FW_REASON_COUNT; ++i)
    if (fw_reason_drops(i) != 0 && i != FW_REASON_CHALLENGE) sum += by_reason[i];
  return sum;
}

double Shares::all() const {
  return std::accumulate(by_reason.begin(), by_reason.end(), borne);
}

void Watch::begin(const fw_counters& counters) {
  counters_ = counters;
  ticked_ns_ = 0;
  fresh_.clear();
  uncounted_ = {};
  seconds_.clear();
}

void Watch::add(const fw_sample& sample) {
  if (sample.reason >= FW_REASON_COUNT) return;
  fresh_.push_back(
      {.source = from_key(sample.packet.src),
       .dst = from_key(sample.packet.dst),
       .dport = sample.packet.dport,
       .proto = sample.packet.proto,
       .reason = sample.reason,
       .traffic_class = sample.traffic_class,
       .borne = sample.kind == FW_SAMPLE_REFUSED && fw_reason_drops(sample.reason) == 0,
       .served = (sample.served & FW_SERVED) != 0});
}

void Watch::tick(const fw_counters& counters, std::uint64_t borne, const Now& now) {
  const std::uint64_t number = now.mono_ns / kSecond;
  if (seconds_.empty() || seconds_.back().number != number) {
    seconds_.emplace_back();
    seconds_.back().number = number;
  }
  while (seconds_.size() > kSeconds + 1 || seconds_.front().number + kSeconds < number)
    seconds_.pop_front();
  Second& second = seconds_.back();
  if (ticked_ns_ != 0 && now.mono_ns > ticked_ns_)
    second.seconds += static_cast<double>(now.mono_ns - ticked_ns_) / static_cast<double>(kSecond);
  ticked_ns_ = now.mono_ns;

  const Amount in = total(counters), in_before = total(counters_);
  const Amount refused = engine::refused(counters), refused_before = engine::refused(counters_);
  second.in.packets += in.packets - in_before.packets;
  second.in.bytes += in.bytes - in_before.bytes;
  second.refused.packets += refused.packets - refused_before.packets;
  second.observed += counters.observed_drops - counters_.observed_drops;
  second.borne += borne;
  for (std::size_t i = 0; i < FW_CLASS_COUNT; ++i) {
    second.by_class[i] += counters.class_packets[i] - counters_.class_packets[i];
    second.unverified[i] += counters.class_unverified[i] - counters_.class_unverified[i];
  }
  std::array<double, FW_REASON_COUNT + 1> samples{};
  for (const Sampled& sampled : fresh_) ++samples.at(sampled.borne ? kBorne : sampled.reason);
  for (std::size_t i = 0; i < FW_REASON_COUNT; ++i) {
    const std::uint64_t packets = counters.packets[i] - counters_.packets[i];
    second.by_reason[i] += packets;
    uncounted_[i] += static_cast<double>(packets);
  }
  const double borne_now = std::min(static_cast<double>(borne), uncounted_[FW_REASON_PASS]);
  uncounted_[kBorne] += borne_now;
  uncounted_[FW_REASON_PASS] -= borne_now;
  counters_ = counters;
  for (const Sampled& sampled : fresh_) {
    const std::size_t group = sampled.borne ? kBorne : sampled.reason;
    count(second, sampled, std::max(1.0, uncounted_.at(group) / samples.at(group)));
  }
  for (std::size_t i = 0; i < samples.size(); ++i)
    if (samples[i] > 0) uncounted_[i] = 0;
  fresh_.clear();
}

void Watch::count(Second& second, const Sampled& sampled, double weight) {
  const auto add_to = [&](Shares& shares) {
    (sampled.borne ? shares.borne : shares.by_reason[sampled.reason]) += weight;
  };
  const PortKey port{.proto = sampled.proto, .port = sampled.dport};
  if (!sampled.borne && sampled.traffic_class < FW_CLASS_COUNT &&
      fw_reason_drops(sampled.reason) != 0)
    second.refused_of_class.at(sampled.traffic_class) += weight;
  SourceTally& source = second.sources.add(sampled.source, weight);
  add_to(source.shares);
  if (source.ports.size() < kPortsOfSource || source.ports.contains(port))
    source.ports[port] += weight;
  PrefixTally& prefix = second.prefixes.add(prefix_around(sampled.source), weight);
  add_to(prefix.shares);
  if (prefix.first == Address{})
    prefix.first = sampled.source;
  else if (prefix.first != sampled.source)
    prefix.several = true;
  if (sampled.proto == FW_IPPROTO_TCP || sampled.proto == FW_IPPROTO_UDP)
    add_to(second.ports.add(port, weight));
  if (!sampled.borne && !is_excess(static_cast<fw_reason>(sampled.reason))) return;
  Target target{.traffic_class = sampled.traffic_class, .dst = sampled.dst, .port = 0};
  if (sampled.served && fw_class_has_port(sampled.traffic_class) != 0)
    target.port = sampled.traffic_class == FW_CLASS_OTHER ? sampled.proto : sampled.dport;
  if (second.targets.size() >= kTargets && !second.targets.contains(target)) return;
  TargetTally& tally = second.targets[target];
  add_to(tally.sources.add(sampled.source, weight));
  tally.packets += weight;
  ++tally.sampled;
  const std::uint64_t mixed =
      (sampled.source.lo ^ sampled.source.hi * 0xff51afd7ed558ccdULL) * 0x9e3779b97f4a7c15ULL;
  tally.seen[mixed >> 52] = true;
}

double Watch::span_s() const {
  double seconds = 0;
  for (const Second& second : seconds_) seconds += second.seconds;
  return seconds;
}

Rates Watch::rates() const {
  Rates rates{.seconds = span_s()};
  if (rates.seconds <= 0) return rates;
  for (const Second& second : seconds_) {
    rates.in += static_cast<double>(second.in.packets);
    rates.in_bytes += static_cast<double>(second.in.bytes);
    rates.dropped += static_cast<double>(second.refused.packets);
    rates.observed += static_cast<double>(second.observed);
    for (std::size_t i = 0; i < second.by_reason.size(); ++i)
      rates.by_reason[i] += static_cast<double>(second.by_reason[i]);
    for (std::size_t i = 0; i < second.by_class.size(); ++i) {
      rates.by_class[i].in += static_cast<double>(second.by_class[i]);
      rates.by_class[i].unverified += static_cast<double>(second.unverified[i]);
      rates.by_class[i].refused += second.refused_of_class[i];
    }
  }
  rates.challenged = rates.by_reason[FW_REASON_CHALLENGE];
  rates.passed = rates.in - rates.dropped + rates.observed;
  rates.dropped -= rates.observed + rates.challenged;
  for (double* rate : {&rates.in, &rates.in_bytes, &rates.dropped, &rates.observed,
                       &rates.challenged, &rates.passed})
    *rate = std::max(0.0, *rate / rates.seconds);
  for (double& rate : rates.by_reason) rate /= rates.seconds;
  for (Rates::OfClass& of_class : rates.by_class)
    for (double* rate : {&of_class.in, &of_class.unverified, &of_class.refused})
      *rate /= rates.seconds;
  return rates;
}

std::vector<SecondCounted> Watch::history() const {
  std::vector<SecondCounted> all;
  for (const Second& second : seconds_) {
    if (second.number == seconds_.back().number) break;  // it is not over
    // A daemon that was held up for a second counted its packets in the next one.
    while (!all.empty() && all.back().number + 1 < second.number)
      all.push_back({.number = all.back().number + 1});
    SecondCounted& counted = all.emplace_back();
    counted.number = second.number;
    const auto in = static_cast<double>(second.in.packets);
    const auto refused = static_cast<double>(second.refused.packets);
    const auto observed = static_cast<double>(second.observed);
    const auto challenged = static_cast<double>(second.by_reason[FW_REASON_CHALLENGE]);
    counted.in = in;
    counted.passed = std::max(0.0, in - refused + observed);
    counted.dropped = std::max(0.0, refused - observed - challenged);
    for (std::size_t i = 0; i < second.by_class.size(); ++i)
      counted.by_class[i] = static_cast<double>(second.by_class[i]);
  }
  return all;
}

Watch::Trend Watch::trend() const {
  double lately = 0, lately_s = 0, before = 0, before_s = 0;
  for (std::size_t i = 0; i < seconds_.size(); ++i) {
    const Second& second = seconds_[i];
    double excess = static_cast<double>(second.borne);
    for (unsigned r = 0; r < FW_REASON_COUNT; ++r)
      if (is_excess(static_cast<fw_reason>(r))) excess += static_cast<double>(second.by_reason[r]);
    const bool is_late = i + kLately >= seconds_.size();
    (is_late ? lately : before) += excess;
    (is_late ? lately_s : before_s) += second.seconds;
  }
  return {.lately = lately_s > 0 ? lately / lately_s : 0,
          .before = before_s > 0 ? before / before_s : 0};
}

std::vector<Heavy<Address>> Watch::sources(bool by_dropped) const {
  std::map<Address, Heavy<Address>> all;
  const double seconds = std::max(span_s(), 0.1);
  for (const Second& second : seconds_)
    for (const auto& entry : second.sources.entries()) {
      Heavy<Address>& heavy = all[entry.key];
      heavy.packets += entry.weight / seconds;
      heavy.surplus += entry.surplus / seconds;
      Shares shares = entry.tally.shares;
      scale(shares, 1 / seconds);
      heavy.shares += shares;
      for (const auto& [port, packets] : entry.tally.ports) heavy.ports[port] += packets / seconds;
    }
  std::vector<Heavy<Address>> out;
  for (auto& [key, heavy] : all) {
    heavy.key = key;
    out.push_back(std::move(heavy));
  }
  sort_heavy(out, by_dropped);
  return out;
}

std::vector<Heavy<Prefix>> Watch::prefixes(bool by_dropped) const {
  std::map<Prefix, std::pair<Heavy<Prefix>, PrefixTally>> all;
  const double seconds = std::max(span_s(), 0.1);
  for (const Second& second : seconds_)
    for (const auto& entry : second.prefixes.entries()) {
      auto& [heavy, tally] = all[entry.key];
      heavy.key = entry.key;
      heavy.packets += entry.weight / seconds;
      heavy.surplus += entry.surplus / seconds;
      Shares shares = entry.tally.shares;
      scale(shares, 1 / seconds);
      heavy.shares += shares;
      tally.several = tally.several || entry.tally.several ||
                      (tally.first != Address{} && tally.first != entry.tally.first);
      tally.first = entry.tally.first;
    }
  std::vector<Heavy<Prefix>> out;
  for (auto& [key, each] : all)
    if (each.second.several) out.push_back(std::move(each.first));
  sort_heavy(out, by_dropped);
  return out;
}

std::vector<Heavy<PortKey>> Watch::ports(bool by_dropped) const {
  std::map<PortKey, Heavy<PortKey>> all;
  const double seconds = std::max(span_s(), 0.1);
  for (const Second& second : seconds_)
    for (const auto& entry : second.ports.entries()) {
      Heavy<PortKey>& heavy = all[entry.key];
      heavy.key = entry.key;
      heavy.packets += entry.weight / seconds;
      heavy.surplus += entry.surplus / seconds;
      Shares shares = entry.tally;
      scale(shares, 1 / seconds);
      heavy.shares += shares;
    }
  std::vector<Heavy<PortKey>> out;
  for (auto& [key, heavy] : all) out.push_back(std::move(heavy));
  sort_heavy(out, by_dropped);
  return out;
}

Senders Watch::senders(const Target& target) const {
  Senders senders;
  std::map<Address, double> sure;
  std::vector<bool> seen(kSeenBits);
  const double seconds = std::max(span_s(), 0.1);
  for (const Second& second : seconds_)
    for (const auto& [key, tally] : second.targets) {
      const bool is_of =
          key == target || (target.dst == Address{} && key.traffic_class == target.traffic_class &&
                            (key.port != 0) == (target.port != 0));
      if (!is_of) continue;
      senders.packets += tally.packets / seconds;
      senders.sampled += tally.sampled;
      for (std::size_t i = 0; i < seen.size(); ++i) seen[i] = seen[i] || tally.seen[i];
      for (const auto& entry : tally.sources.entries())
        sure[entry.key] += (entry.weight - entry.surplus) / seconds;
    }
  // Linear counting (Whang, Vander-Zanden, Taylor, 1990).
  const auto empty = static_cast<double>(std::ranges::count(seen, false));
  const double bits = kSeenBits;
  const double estimate = bits * std::log(bits / std::max(1.0, empty));
  senders.sources = std::min(senders.sampled, static_cast<std::size_t>(std::llround(estimate)));
  for (const auto& [address, packets] : sure)
    if (senders.packets > 0 && packets / senders.packets > senders.share) {
      senders.share = packets / senders.packets;
      senders.heaviest = address;
    }
  return senders;
}

}  // namespace fw::engine
