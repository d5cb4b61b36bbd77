// SPDX-License-Identifier: MIT
#include "engine/learn/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <ranges>

namespace fw::engine {

void Histogram::add(double value, double weight) {
  if (!(value > 0)) return;
  const double step = std::ceil(kPerOctave * std::log2(value));
  buckets_[static_cast<unsigned>(std::clamp(step, 0.0, double{kBuckets - 1}))] += weight;
}

double Histogram::percentile(double share, double total) const {
  double above = 0;
  // From the largest value down, until more than 1 - share of the weight is above.
  for (const auto& [bucket, weight] : std::views::reverse(buckets_)) {
    above += weight;
    if (above > (1 - share) * total) return std::exp2(static_cast<double>(bucket) / kPerOctave);
  }
  return 0;
}

void Histogram::scale(double factor) {
  for (auto& [bucket, weight] : buckets_) weight *= factor;
}

double Histogram::weight() const {
  return std::accumulate(buckets_.begin(), buckets_.end(), 0.0,
                         [](double sum, const auto& bucket) { return sum + bucket.second; });
}

}  // namespace fw::engine
