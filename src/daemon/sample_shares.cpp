// SPDX-License-Identifier: MIT
#include "daemon/sample_shares.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

namespace fw::daemon {

void SampleShares::add(const fw_sample& sample) {
  const bool served = (sample.served & FW_SERVED) != 0;
  Key key{sample.traffic_class, served ? sample.packet.dport : std::uint16_t{0}, sample.kind};
  if (groups_.size() >= kGroups && !groups_.contains(key))
    key = {std::numeric_limits<std::uint8_t>::max(), std::uint16_t{0}, std::uint8_t{0}};
  Group& group = groups_[key];
  if (group.seen++ % group.stride != 0) {
    thinned_ = true;
    return;
  }
  group.kept.push_back(sample);
  const std::size_t share = room_ / groups_.size();
  for (auto& [each, other] : groups_)
    while (other.kept.size() > share) thin(other);
}

void SampleShares::thin(Group& group) {
  std::vector<fw_sample> half;
  for (std::size_t i = 0; i < group.kept.size(); i += 2) half.push_back(group.kept[i]);
  group.kept = std::move(half);
  group.stride *= 2;
  thinned_ = true;
}

void SampleShares::clear() {
  groups_.clear();
  thinned_ = false;
}

std::vector<fw_sample> SampleShares::all() const {
  std::vector<fw_sample> out;
  for (const auto& [key, group] : groups_) std::ranges::copy(group.kept, std::back_inserter(out));
  std::ranges::stable_sort(out, {}, &fw_sample::time_ns);
  return out;
}

}  // namespace fw::daemon
