// SPDX-License-Identifier: MIT
// How often which value was seen, in steps of 9 % (eight to an octave): a percentile of it is at
// most one step too high and never too low. Sparse, and at most kBuckets steps.
#pragma once

#include <map>

namespace fw::engine {

class Histogram {
 public:
  static constexpr unsigned kPerOctave = 8;
  static constexpr unsigned kBuckets = kPerOctave * 32;

  // `value` above 0; zeros are what the rest of the weight is of (see percentile()).
  void add(double value, double weight);
  // The least step that at least `share` (0..1) of `total` weight does not exceed; 0: that share
  // are zeros.
  [[nodiscard]] double percentile(double share, double total) const;
  void scale(double factor);

  [[nodiscard]] double weight() const;  // of all that was added
  // By step, for whoever stores it; put() is its inverse.
  [[nodiscard]] const std::map<unsigned, double>& buckets() const { return buckets_; }
  void put(unsigned bucket, double weight) { buckets_[bucket] = weight; }

 private:
  std::map<unsigned, double> buckets_;
};

}  // namespace fw::engine
