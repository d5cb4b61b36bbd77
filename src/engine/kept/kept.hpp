// SPDX-License-Identifier: MIT
// What the rooms use to hand out what outlives the daemon, and to take it again: the clock of its
// times, and the names that are to be written. Its texts are in kept_text.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "base/kept_row.hpp"
#include "base/now.hpp"

namespace fw::engine {

// Kept time: CLOCK_BOOTTIME, continued over restarts of the machine. It passes while the machine
// runs or sleeps, and stands still while it is off: then no clock of it can be trusted. A step of
// the wall time does not move it. Nanoseconds.
class KeptClock {
 public:
  explicit KeptClock(std::int64_t ahead_ns = 0) : ahead_ns_(ahead_ns) {}

  [[nodiscard]] std::int64_t kept_ns(std::int64_t mono_ns) const { return mono_ns + ahead_ns_; }
  // On the datapath's clock; negative: before the machine started.
  [[nodiscard]] std::int64_t mono_ns(std::int64_t kept_ns) const { return kept_ns - ahead_ns_; }
  [[nodiscard]] std::int64_t ahead_ns() const { return ahead_ns_; }

 private:
  std::int64_t ahead_ns_;  // of the datapath's clock
};

// Milliseconds since 1970, for times that only people read.
[[nodiscard]] std::int64_t wall_ms(std::chrono::system_clock::time_point time);
[[nodiscard]] std::chrono::system_clock::time_point from_wall_ms(std::int64_t ms);
// On the datapath's clock: wall_at() of it is that time again. Wraps below the machine's start.
[[nodiscard]] std::uint64_t mono_of_wall_ms(std::int64_t ms, const Now& now);

// The rest of a name such as "ban 192.0.2.1" behind the kind; none: it is of another kind.
[[nodiscard]] std::optional<std::string_view> name_of(std::string_view row_name,
                                                      std::string_view kind);
[[nodiscard]] std::optional<Prefix> prefix_named(const KeptRow& row, std::string_view kind);

// Of a map's rows, those to be written. Bounded: a row that was never handed out and is gone leaves
// nothing behind, so there are at most as many names as rows in the map and in the store together.
class Unwritten {
 public:
  void changed(const Prefix& prefix) { prefixes_.insert(prefix); }
  // `was_written`: it is in the store, as far as is known.
  void removed(const Prefix& prefix, bool was_written) {
    if (was_written)
      prefixes_.insert(prefix);
    else
      prefixes_.erase(prefix);
  }
  // Hands out up to `most` of them: `text_of(prefix)` is an optional text, none for one that is
  // gone.
  template <typename TextOf>
  void take(std::string_view kind, std::size_t most, KeptRows& rows, TextOf text_of) {
    for (; most > 0 && !prefixes_.empty(); --most) {
      const Prefix prefix = *prefixes_.begin();
      prefixes_.erase(prefixes_.begin());
      rows.push_back({std::string(kind) + " " + prefix.text(), text_of(prefix)});
    }
  }
  [[nodiscard]] std::size_t size() const { return prefixes_.size(); }

 private:
  std::set<Prefix> prefixes_;
};

// The rows of which there are few: each is handed out when its text is new, and taken out of the
// store when it is put no longer.
class FewRows {
 public:
  // It is in the store already.
  void found(const std::string& name) { rows_[name]; }
  // Final: its text will not change.
  void put(const std::string& name, std::string text, KeptRows& changes, bool final = false);
  // Whether it was put as final. That counts as putting it.
  [[nodiscard]] bool has_final(const std::string& name);
  // All have been put: the others are to be removed.
  void remove_others(KeptRows& changes);
  void write_all() { rows_.clear(); }

 private:
  struct Row {
    std::string text;
    bool is_final = false, is_put = false;  // since remove_others()
  };
  std::map<std::string, Row> rows_;
};

// What became of rows that were kept.
struct Restored {
  std::size_t bans = 0, allowances = 0, offenders = 0, signatures = 0, attacks = 0, events = 0;
  std::size_t no_room = 0;     // bans and allowances, of which the table holds fewer now
  std::size_t unreadable = 0;  // rows
};

}  // namespace fw::engine
