// SPDX-License-Identifier: MIT
#include "engine/detect/vector_names.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "datapath/address_key.hpp"

namespace fw::engine {
namespace {

VectorKey target_of(const fw_sample& sample) {
  const fw_packet& packet = sample.packet;
  VectorKey key{static_cast<fw_class>(sample.traffic_class), from_key(packet.dst), 0};
  if ((sample.served & FW_SERVED) != 0 && fw_class_has_port(sample.traffic_class) != 0)
    key.port = key.traffic_class == FW_CLASS_OTHER ? packet.proto : packet.dport;
  return key;
}

// Counts targets.
class Targets {
 public:
  void add(const VectorKey& target) {
    counts_[target]++;
    all_++;
  }
  void add_other() { all_++; }
  // The one that has at least half; none: `otherwise`.
  [[nodiscard]] VectorKey most(const VectorKey& otherwise) const {
    if (all_ < Seen::kLeast || counts_.empty()) return otherwise;
    const auto most =
        std::ranges::max_element(counts_, {}, [](const auto& each) { return each.second; });
    return 2 * most->second >= all_ ? most->first : otherwise;
  }

 private:
  std::map<VectorKey, std::size_t> counts_;
  std::size_t all_ = 0;
};

}  // namespace

VectorKey target_of_most(fw_class traffic_class, std::span<const fw_sample> samples) {
  Targets targets;
  for (const fw_sample& sample : samples)
    if (sample.traffic_class == traffic_class) targets.add(target_of(sample));
  return targets.most({traffic_class, {}, 0});
}

void Seen::add(const fw_sample& sample) {
  if (sample.traffic_class >= FW_CLASS_COUNT) return;
  if (packets_.size() == kMost) packets_.pop_front();
  packets_.push_back({.time_ns = sample.time_ns,
                      .target = target_of(sample),
                      .source = sample.packet.src,
                      .is_excess = sample.kind == FW_SAMPLE_REFUSED,
                      .is_of_partner = (sample.served & FW_OF_PARTNER) != 0});
}

void Seen::advance(std::uint64_t now_ns) {
  while (!packets_.empty() && packets_.front().time_ns + kLatelyNs < now_ns) packets_.pop_front();
}

VectorKey Seen::most(const VectorKey& key, bool of_excess) const {
  Targets targets;
  for (const Packet& packet : packets_) {
    if (packet.target.traffic_class != key.traffic_class || (of_excess && !packet.is_excess))
      continue;
    if ((packet.target.port != 0) == (key.port != 0))
      targets.add(packet.target);
    else
      targets.add_other();
  }
  return targets.most(key);
}

VectorKey Seen::name(const VectorKey& key) const {
  if (key.dst != Address{}) return key;
  const VectorKey named = most(key, true);
  return named.dst != Address{} ? named : most(key, false);
}

bool Seen::is_transfer(const VectorKey& key) const {
  std::size_t all = 0, of_partners = 0;
  std::set<Address> partners;
  for (const Packet& packet : packets_) {
    if (!packet.is_excess || packet.target != key) continue;
    all++;
    if (!packet.is_of_partner) continue;
    of_partners++;
    partners.insert(from_key(packet.source));
  }
  constexpr std::size_t kTenth = 10;
  return all >= kLeast && kTenth * (all - of_partners) <= all && partners.size() <= kMostPartners;
}

}  // namespace fw::engine
