// SPDX-License-Identifier: MIT
#include "engine/detect/samples.hpp"

#include <algorithm>
#include <iterator>

namespace fw::engine {

void Samples::keep(Ring& ring, std::size_t most, const fw_sample& sample) {
  if (ring.size() == most) ring.pop_front();
  ring.push_back(sample);
}

// Where there is no room one goes of the port that has most, and of these the oldest.
void Samples::keep_peace(const fw_sample& sample) {
  Peace& peace = peace_.at(sample.traffic_class);
  peace.by_port[sample.served != 0 ? sample.packet.dport : std::uint16_t{0}].push_back(sample);
  if (++peace.count <= kPeacePerClass) return;
  const auto most = std::ranges::max_element(peace.by_port, [](const auto& a, const auto& b) {
    if (a.second.size() != b.second.size()) return a.second.size() < b.second.size();
    return a.second.front().time_ns > b.second.front().time_ns;
  });
  most->second.pop_front();
  peace.count--;
  if (most->second.empty()) peace.by_port.erase(most);
}

void Samples::add(const fw_sample& sample) {
  if (sample.traffic_class >= FW_CLASS_COUNT) return;
  switch (sample.kind) {
    case FW_SAMPLE_TRUSTED:
      keep_peace(sample);
      break;
    case FW_SAMPLE_NEW:
      keep(waiting_, kWaiting, sample);
      break;
    case FW_SAMPLE_REFUSED:
      if (sample.signature == 0) keep(excess_, kExcess, sample);
      break;
    default:
      break;
  }
}

void Samples::settle(std::uint64_t now_ns) {
  // A clock that stepped back leaves samples and trouble of the future: they are as good as new.
  trouble_ns_ = std::min(trouble_ns_, now_ns);
  const auto is_older = [now_ns](const fw_sample& sample, std::uint64_t span_ns) {
    return sample.time_ns + span_ns <= now_ns;
  };
  for (; !waiting_.empty() && is_older(waiting_.front(), kWaitNs); waiting_.pop_front())
    if (waiting_.front().time_ns > trouble_ns_) keep_peace(waiting_.front());
  while (!excess_.empty() && is_older(excess_.front(), kExcessNs)) excess_.pop_front();
}

std::vector<fw_sample> Samples::excess(std::uint64_t since_ns) const {
  std::vector<fw_sample> out;
  std::ranges::copy_if(excess_, std::back_inserter(out),
                       [since_ns](const fw_sample& s) { return s.time_ns >= since_ns; });
  return out;
}

std::vector<fw_sample> Samples::unverified_sources(fw_class traffic_class,
                                                   std::uint64_t since_ns) const {
  std::vector<fw_sample> out;
  std::ranges::copy_if(waiting_, std::back_inserter(out), [&](const fw_sample& s) {
    return s.traffic_class == traffic_class && s.time_ns >= since_ns;
  });
  return out;
}

std::vector<fw_sample> Samples::peace() const {
  std::vector<fw_sample> out;
  for (const Peace& peace : peace_)
    for (const auto& [port, ring] : peace.by_port) out.insert(out.end(), ring.begin(), ring.end());
  return out;
}

}  // namespace fw::engine
