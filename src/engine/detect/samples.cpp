// SPDX-License-Identifier: MIT
#include "engine/detect/samples.hpp"

#include <algorithm>
#include <iterator>

namespace fw::engine {

void Samples::push(Ring& ring, std::size_t capacity, const fw_sample& sample) {
  if (ring.size() == capacity) ring.pop_front();
  ring.push_back(sample);
}

void Samples::add_to_baseline(const fw_sample& sample) {
  ClassBaseline& baseline = baseline_.at(sample.traffic_class);
  baseline.by_port[(sample.served & FW_SERVED) != 0 ? sample.packet.dport : std::uint16_t{0}]
      .push_back(sample);
  if (++baseline.count <= kBaselinePerClass) return;
  // Of ports with equally many samples, the one whose oldest sample is oldest.
  const auto longest = std::ranges::max_element(baseline.by_port, [](const auto& a, const auto& b) {
    if (a.second.size() != b.second.size()) return a.second.size() < b.second.size();
    return a.second.front().time_ns > b.second.front().time_ns;
  });
  longest->second.pop_front();
  baseline.count--;
  if (longest->second.empty()) baseline.by_port.erase(longest);
}

void Samples::add(const fw_sample& sample) {
  if (sample.traffic_class >= FW_CLASS_COUNT) return;
  switch (sample.kind) {
    case FW_SAMPLE_TRUSTED:
      add_to_baseline(sample);
      break;
    case FW_SAMPLE_NEW:
      push(waiting_, kMaxWaiting, sample);
      break;
    case FW_SAMPLE_REFUSED:
      if (sample.signature == 0) push(excess_, kMaxExcess, sample);
      break;
    default:
      break;
  }
}

void Samples::advance(std::uint64_t now_ns) {
  // After a step back of the clock, times of the future count as now.
  for (std::uint64_t& attacked_ns : attacked_ns_) attacked_ns = std::min(attacked_ns, now_ns);
  const auto is_older = [now_ns](const fw_sample& sample, std::uint64_t span_ns) {
    return sample.time_ns + span_ns <= now_ns;
  };
  for (; !waiting_.empty() && is_older(waiting_.front(), kWaitNs); waiting_.pop_front())
    if (waiting_.front().time_ns > attacked_ns_.at(waiting_.front().traffic_class))
      add_to_baseline(waiting_.front());
  while (!excess_.empty() && is_older(excess_.front(), kExcessNs)) excess_.pop_front();
}

std::vector<fw_sample> Samples::excess(std::uint64_t since_ns) const {
  std::vector<fw_sample> out;
  std::ranges::copy_if(excess_, std::back_inserter(out),
                       [since_ns](const fw_sample& s) { return s.time_ns >= since_ns; });
  return out;
}

std::vector<fw_sample> Samples::of_new_sources(fw_class traffic_class,
                                               std::uint64_t since_ns) const {
  std::vector<fw_sample> out;
  std::ranges::copy_if(waiting_, std::back_inserter(out), [&](const fw_sample& s) {
    return s.traffic_class == traffic_class && s.time_ns >= since_ns;
  });
  return out;
}

std::vector<fw_sample> Samples::baseline() const {
  std::vector<fw_sample> out;
  for (const ClassBaseline& of_class : baseline_)
    for (const auto& [port, ring] : of_class.by_port)
      out.insert(out.end(), ring.begin(), ring.end());
  return out;
}

}  // namespace fw::engine
