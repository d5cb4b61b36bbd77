// SPDX-License-Identifier: MIT
// Which sources were banned before, and when: a repeat offender's ban is longer. Bounded: when it
// is full, it forgets the source whose last offence is oldest.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/now.hpp"
#include "base/units.hpp"
#include "engine/kept/kept.hpp"

namespace fw::engine {

class Offences {
 public:
  static constexpr std::size_t kCapacity = 65'536;  // judgement: bounds the memory
  static constexpr std::size_t kMaxPerSource = 16;  // judgement: longer than any ban.escalate

  explicit Offences(std::size_t capacity = kCapacity) : capacity_(capacity) {}

  // Records an offence; returns which one it is within `memory`: 1, 2, ...
  unsigned add(const Prefix& source, const Now& now, Milliseconds memory);
  // How many are remembered within `memory`.
  [[nodiscard]] unsigned count(const Prefix& source, const Now& now, Milliseconds memory) const;
  [[nodiscard]] std::size_t sources() const { return by_source_.size(); }

  // Hands out what changed since the last call, up to `most` rows "offences SOURCE".
  void take_changes(std::size_t most, const KeptClock& clock, KeptRows& rows);
  // Takes again what was handed out; forgets what is older than `memory`, and hands that out as
  // removed.
  void restore(const KeptRows& rows, const KeptClock& clock, const Now& now, Milliseconds memory,
               Restored& restored);
  // The machine slept: that has been so much longer ago.
  void slept(std::uint64_t span_ns);
  void write_all() {
    for (const auto& record : by_source_) unwritten_.changed(record.first);
  }
  [[nodiscard]] std::size_t unwritten() const { return unwritten_.size(); }

 private:
  // Invariant: by_age_ holds every source of by_source_ once, the oldest last offence first.
  struct Record {
    std::vector<std::int64_t> times_ns;  // oldest first; negative: before the machine started
    std::list<Prefix>::iterator age;
    bool written = false;
  };

  std::size_t capacity_;
  std::map<Prefix, Record> by_source_;
  std::list<Prefix> by_age_;
  Unwritten unwritten_;
};

// The factor by which the `offence`-th ban (1, 2, ...) is longer. Later ones have the last factor.
[[nodiscard]] unsigned escalation(std::span<const unsigned> factors, unsigned offence);

}  // namespace fw::engine
