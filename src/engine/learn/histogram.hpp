// SPDX-License-Identifier: MIT
// A log-linear histogram: how often which value was seen, in steps of 9 % (eight to an octave). A
// percentile of it is at most one step too high and never too low. Sparse.
#pragma once

#include <map>

namespace fw::engine {

class Histogram {
 public:
  static constexpr unsigned kPerOctave = 8;
  static constexpr unsigned kBuckets = kPerOctave * 32;

  // `value` above 0. Zeros are not added: they are the rest of the total weight, see percentile().
  void add(double value, double weight);
  // The lowest step that at least `share` (0..1) of the `total` weight does not exceed. 0: so much
  // of the weight is zeros.
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
