// SPDX-License-Identifier: MIT
// The keys with most weight among any number of keys, in fixed memory: the Space-Saving algorithm
// (Metwally, Agrawal, El Abbadi, 2005) with weights. A key that takes the place of another inherits
// its weight. So no weight is too low, and `surplus` is the bound by which it may be too high: at
// most the sum of all weights divided by the capacity.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <vector>

namespace fw::engine {

template <typename Key, typename Tally>
class SpaceSaving {
 public:
  struct Entry {
    Key key{};
    double weight = 0, surplus = 0;
    Tally tally{};  // since it has the place
  };

  explicit SpaceSaving(std::size_t capacity) : capacity_(capacity) {}

  // Returns the tally of the key, for the caller to add to. Valid until the next call.
  Tally& add(const Key& key, double weight) {
    if (const auto known = places_.find(key); known != places_.end()) {
      Entry& entry = entries_[known->second];
      entry.weight += weight;
      return entry.tally;
    }
    if (entries_.size() < capacity_) {
      places_.emplace(key, entries_.size());
      entries_.push_back({.key = key, .weight = weight, .surplus = 0, .tally = {}});
      return entries_.back().tally;
    }
    Entry& least = *std::ranges::min_element(entries_, {}, &Entry::weight);
    places_.erase(least.key);
    places_.emplace(key, static_cast<std::size_t>(&least - entries_.data()));
    least = {.key = key, .weight = least.weight + weight, .surplus = least.weight, .tally = {}};
    return least.tally;
  }

  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  void clear() {
    entries_.clear();
    places_.clear();
  }

 private:
  std::size_t capacity_;
  std::vector<Entry> entries_;
  std::map<Key, std::size_t> places_;  // into entries_; the same keys
};

}  // namespace fw::engine
