// SPDX-License-Identifier: MIT
#include "engine/detect/attack_senders.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "datapath/address_key.hpp"

namespace fw::engine {
namespace {

constexpr std::size_t kRecorded = 20;  // of each kind; judgement: a screen
constexpr std::size_t kFreshMost = 8192;
constexpr unsigned kPrefixV4 = 96 + 24, kPrefixV6 = 48;

Prefix prefix_around(const Address& address) {
  const unsigned bits = address.is_v4() ? kPrefixV4 : kPrefixV6;
  return {.address = masked(address, bits), .bits = bits};
}

bool is_without_sample(fw_reason reason) {
  return reason == FW_REASON_LIMIT || reason == FW_REASON_RESTRICT || reason == FW_REASON_BAN;
}

std::vector<Sender> heaviest(std::vector<Sender> all) {
  std::ranges::stable_sort(all, [](const Sender& a, const Sender& b) {
    return a.packets - a.surplus > b.packets - b.surplus;
  });
  if (all.size() > kRecorded) all.resize(kRecorded);
  // Most of the weight may be another's: among millions of forged sources none stands out.
  std::erase_if(all, [](const Sender& sender) { return sender.packets < 2 * sender.surplus; });
  return all;
}

template <typename Entry>
Sender sender_of(const Entry& entry, Sender what) {
  what.source = entry.key;
  what.packets = static_cast<std::uint64_t>(std::llround(entry.weight));
  what.surplus = static_cast<std::uint64_t>(std::llround(entry.surplus));
  return what;
}

}  // namespace

void AttackSenders::add(const fw_sample& sample) {
  if (sample.kind != FW_SAMPLE_REFUSED || fresh_.size() >= kFreshMost) return;
  fresh_.push_back({.source = from_key(sample.packet.src),
                    .dst = from_key(sample.packet.dst),
                    .what = {.source = {},
                             .packets = 0,
                             .surplus = 0,
                             .proto = sample.packet.proto,
                             .dport = sample.packet.dport,
                             .value = 0,
                             .limit = 0,
                             .proven = false}});
}

void AttackSenders::report(const Reported& reported) {
  std::erase_if(reported_, [&](const Reported& known) {
    return known.source == reported.source && known.target == reported.target &&
           known.reason == reported.reason;
  });
  if (reported_.size() == kReported) reported_.pop_front();
  reported_.push_back(reported);
}

void AttackSenders::count(const Sampled& sampled, double weight) {
  const Prefix single{.address = sampled.source, .bits = 128};
  Sender& source = sources_.add(single, weight);
  if (source.limit == 0) source = sampled.what;
  PrefixTally& prefix = prefixes_.add(prefix_around(sampled.source), weight);
  prefix.what = sampled.what;
  if (prefix.first == Address{})
    prefix.first = sampled.source;
  else if (prefix.first != sampled.source)
    prefix.several = true;
  if (targets_.size() < kTargets || targets_.contains(sampled.dst)) ++targets_[sampled.dst];
}

std::map<VectorKey, std::map<fw_reason, std::uint64_t>> AttackSenders::tick(
    bool open, std::uint64_t sampled, const std::map<fw_reason, std::uint64_t>& by_reason) {
  std::map<VectorKey, std::map<fw_reason, std::uint64_t>> of_vectors;
  const std::vector<Sampled> fresh = std::exchange(fresh_, {});
  if (!open) {
    // What came just before an attack is noticed is of it.
    uncounted_ = 0;
    return of_vectors;
  }
  uncounted_ += static_cast<double>(sampled);
  if (!fresh.empty()) {
    const double weight = std::exchange(uncounted_, 0) / static_cast<double>(fresh.size());
    for (const Sampled& each : fresh)
      if (weight > 0) count(each, weight);
  }
  for (const auto& [reason, packets] : by_reason) {
    if (!is_without_sample(reason)) continue;
    double all = 0;
    for (const Reported& each : reported_)
      if (each.reason == reason) all += static_cast<double>(each.pps);
    if (all <= 0) continue;  // banned before the daemon knew, or by the operator
    std::uint64_t left = packets;
    for (const Reported& each : reported_) {
      if (each.reason != reason) continue;
      const double weight = static_cast<double>(packets) * static_cast<double>(each.pps) / all;
      const std::uint64_t whole = std::min(left, static_cast<std::uint64_t>(std::llround(weight)));
      left -= whole;
      of_vectors[each.target][reason] += whole;
      sources_.add(each.source, weight) = {.source = each.source,
                                           .packets = 0,
                                           .surplus = 0,
                                           .proto = each.proto,
                                           .dport = each.dport,
                                           .value = each.value,
                                           .limit = each.limit,
                                           .metric = each.metric,
                                           .proven = each.is_proven()};
      if (targets_.size() < kTargets || targets_.contains(each.target.dst))
        targets_[each.target.dst] += whole;
    }
  }
  return of_vectors;
}

void AttackSenders::begin(const Attack& attack) {
  sources_.clear();
  prefixes_.clear();
  targets_.clear();
  uncounted_ = 0;
  for (const Sender& sender : attack.senders)
    sources_.add(sender.source, static_cast<double>(sender.packets)) = sender;
  for (const Sender& sender : attack.prefixes) {
    PrefixTally& tally = prefixes_.add(sender.source, static_cast<double>(sender.packets));
    tally.what = sender;
    tally.several = true;
  }
  for (const Address& target : attack.targets) targets_[target] = 0;
}

void AttackSenders::put_into(Attack& attack) const {
  std::vector<Sender> sources, prefixes;
  for (const auto& entry : sources_.entries()) sources.push_back(sender_of(entry, entry.tally));
  for (const auto& entry : prefixes_.entries())
    if (entry.tally.several) prefixes.push_back(sender_of(entry, entry.tally.what));
  attack.senders = heaviest(std::move(sources));
  attack.prefixes = heaviest(std::move(prefixes));
  attack.targets.clear();
  for (const auto& [target, packets] : targets_) attack.targets.push_back(target);
}

}  // namespace fw::engine
