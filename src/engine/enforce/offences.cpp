// SPDX-License-Identifier: MIT
#include "engine/enforce/offences.hpp"

#include <algorithm>

namespace fw::engine {
namespace {

std::uint64_t oldest_remembered(const Now& now, Milliseconds memory) {
  const std::uint64_t span_ns = static_cast<std::uint64_t>(memory.count()) * kMillisecond;
  return now.mono_ns > span_ns ? now.mono_ns - span_ns : 0;
}

unsigned count_since(const std::vector<std::uint64_t>& times_ns, std::uint64_t since_ns) {
  return static_cast<unsigned>(times_ns.end() - std::ranges::lower_bound(times_ns, since_ns));
}

}  // namespace

unsigned Offences::add(const Prefix& source, const Now& now, Milliseconds memory) {
  auto at = by_source_.find(source);
  if (at == by_source_.end()) {
    if (by_source_.size() == capacity_) {
      by_source_.erase(by_age_.front());
      by_age_.pop_front();
    }
    by_age_.push_back(source);
    at = by_source_.emplace(source, Record{.times_ns = {}, .age = std::prev(by_age_.end())}).first;
  } else {
    by_age_.splice(by_age_.end(), by_age_, at->second.age);
  }
  std::vector<std::uint64_t>& times = at->second.times_ns;
  if (times.size() == kMaxPerSource) times.erase(times.begin());
  times.push_back(now.mono_ns);
  return count_since(times, oldest_remembered(now, memory));
}

unsigned Offences::count(const Prefix& source, const Now& now, Milliseconds memory) const {
  const auto at = by_source_.find(source);
  return at == by_source_.end() ? 0
                                : count_since(at->second.times_ns, oldest_remembered(now, memory));
}

unsigned escalation(std::span<const unsigned> factors, unsigned offence) {
  if (factors.empty() || offence == 0) return 1;
  return factors[std::min<std::size_t>(offence, factors.size()) - 1];
}

}  // namespace fw::engine
