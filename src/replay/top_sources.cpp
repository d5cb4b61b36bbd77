// SPDX-License-Identifier: MIT
#include "replay/top_sources.hpp"

#include <algorithm>

namespace fw::replay {
namespace {

// Fibonacci hashing: the top ten bits of a product with 2^64 / phi.
std::size_t bucket_of(const Address& address) {
  const std::uint64_t folded = address.lo ^ (address.hi * 0xff51afd7ed558ccdULL);
  return static_cast<std::size_t>((folded * 0x9e3779b97f4a7c15ULL) >> 54);
}

std::uint64_t sure(const SourceLoss& loss) {
  return loss.packets - loss.surplus;
}

}  // namespace

void TopSources::add(const Outcome& dropped, std::uint64_t mono_ns) {
  const std::uint64_t answered = dropped.reason == FW_REASON_CHALLENGE ? 1 : 0;
  auto& bucket = buckets_[bucket_of(dropped.source) % kBuckets];
  SourceLoss* slot = &bucket.front();
  for (SourceLoss& loss : bucket) {
    if (loss.packets != 0 && loss.source == dropped.source) {
      ++loss.packets;
      loss.answered += answered;
      return;
    }
    if (loss.packets < slot->packets) slot = &loss;
  }
  forgot_ = forgot_ || slot->packets != 0;
  *slot = {.source = dropped.source,
           .packets = slot->packets + 1,
           .surplus = slot->packets,
           .answered = answered,
           .first_ns = mono_ns,
           .reason = dropped.reason};
}

std::vector<SourceLoss> TopSources::top(std::size_t n) const {
  std::vector<SourceLoss> all;
  for (const auto& bucket : buckets_)
    for (const SourceLoss& loss : bucket)
      if (loss.packets != 0) all.push_back(loss);
  std::ranges::sort(all, [](const SourceLoss& a, const SourceLoss& b) {
    return sure(a) != sure(b) ? sure(a) > sure(b) : a.source < b.source;
  });
  all.resize(std::min(n, all.size()));
  return all;
}

std::size_t TopSources::known() const {
  std::size_t count = 0;
  for (const auto& bucket : buckets_)
    for (const SourceLoss& loss : bucket) count += loss.packets != 0 ? 1 : 0;
  return count;
}

}  // namespace fw::replay
