// SPDX-License-Identifier: MIT
// Merges two sets of ranges, which may overlap and be in any order, into one ascending sequence of
// disjoint segments, each with the value of all its addresses. Key is std::uint32_t (IPv4) or
// Address (IPv6).
//
// Thread rule: free functions without state.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <vector>

#include "abi/list_image.h"
#include "base/address.hpp"

namespace fw::lists {

template <typename Key>
struct Span {
  Key first, last;  // inclusive
};

template <typename Key>
struct Segment {
  Key first, last;
  std::uint8_t value;  // FW_LIST_DENY, FW_LIST_ALLOW or both
};

constexpr std::uint32_t next(std::uint32_t key) {
  return key + 1;
}
constexpr Address next(Address key) {
  return {key.hi + (key.lo == ~std::uint64_t{0} ? 1 : 0), key.lo + 1};
}
constexpr std::uint32_t previous(std::uint32_t key) {
  return key - 1;
}
constexpr Address previous(Address key) {
  return {key.hi - (key.lo == 0 ? 1 : 0), key.lo - 1};
}

// Sorts the spans and joins those that overlap or are adjacent.
template <typename Key>
void join(std::vector<Span<Key>>& spans) {
  std::sort(spans.begin(), spans.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::size_t used = 0;
  for (const Span<Key>& span : spans) {
    if (used > 0) {
      Span<Key>& before = spans[used - 1];
      if (span.first <= before.last || span.first == next(before.last)) {
        before.last = std::max(before.last, span.last);
        continue;
      }
    }
    spans[used++] = span;
  }
  spans.resize(used);
}

template <typename Key>
std::vector<Segment<Key>> segments(std::vector<Span<Key>> deny, std::vector<Span<Key>> allow) {
  join(deny);
  join(allow);
  std::vector<Segment<Key>> out;
  out.reserve(deny.size() + allow.size());
  auto d = deny.begin();
  auto a = allow.begin();
  // Each step appends the lowest segment that has one value and removes it from the front of the
  // spans.
  while (d != deny.end() || a != allow.end()) {
    const bool only_deny = a == allow.end() || (d != deny.end() && d->last < a->first);
    const bool only_allow = d == deny.end() || (a != allow.end() && a->last < d->first);
    if (only_deny) {
      out.push_back({d->first, d->last, FW_LIST_DENY});
      ++d;
    } else if (only_allow) {
      out.push_back({a->first, a->last, FW_LIST_ALLOW});
      ++a;
    } else if (d->first < a->first) {
      out.push_back({d->first, previous(a->first), FW_LIST_DENY});
      d->first = a->first;
    } else if (a->first < d->first) {
      out.push_back({a->first, previous(d->first), FW_LIST_ALLOW});
      a->first = d->first;
    } else {
      const Key last = std::min(d->last, a->last);
      out.push_back({d->first, last, FW_LIST_DENY | FW_LIST_ALLOW});
      if (d->last == last)
        ++d;
      else
        d->first = next(last);
      if (a->last == last)
        ++a;
      else
        a->first = next(last);
    }
  }
  return out;
}

}  // namespace fw::lists
