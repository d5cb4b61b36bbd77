// SPDX-License-Identifier: MIT
// Who was banned before, and when: the memory that makes a repeat offender's ban longer. Bounded:
// when it is full, the source whose last offence is oldest is forgotten.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/now.hpp"
#include "base/units.hpp"

namespace fw::engine {

class Offences {
 public:
  static constexpr std::size_t kCapacity = 65'536;
  static constexpr std::size_t kKeptPerSource = 16;  // more do not lengthen a ban any further

  explicit Offences(std::size_t capacity = kCapacity) : capacity_(capacity) {}

  // Notes one more offence; returns which one it is within `memory`: 1, 2, ...
  unsigned add(const Prefix& source, const Now& now, Milliseconds memory);
  // How many are remembered within `memory`.
  [[nodiscard]] unsigned count(const Prefix& source, const Now& now, Milliseconds memory) const;
  [[nodiscard]] std::size_t sources() const { return by_source_.size(); }

 private:
  // Invariant: by_age_ holds every source of by_source_ once, the oldest last offence first.
  struct Record {
    std::vector<std::uint64_t> times_ns;  // oldest first
    std::list<Prefix>::iterator age;
  };

  std::size_t capacity_;
  std::map<Prefix, Record> by_source_;
  std::list<Prefix> by_age_;
};

// The factor by which the `offence`-th (1, 2, ...) ban is longer; the last one holds for all later.
[[nodiscard]] unsigned escalation(std::span<const unsigned> factors, unsigned offence);

}  // namespace fw::engine
