// SPDX-License-Identifier: MIT
// Compares the desired state with the table of entries: looks each ban, exemption and allowance up
// as a packet would, and each entry of the table among those desired. Differences are repaired,
// counted and reported. The work per call is bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/enforce/access_table.hpp"
#include "engine/enforce/bans.hpp"
#include "engine/enforce/protected.hpp"
#include "engine/journal/journal.hpp"

namespace fw::engine {

class Audit {
 public:
  // Judgement. At ten calls a second all bans are looked up within a second on a host with 4,000;
  // with a million it takes four minutes. What the table has besides them takes longer to be seen,
  // as each entry in use costs two look-ups. Measured: docs/reliability.md.
  static constexpr std::uint64_t kPeriodNs = kSecond;
  static constexpr std::size_t kBansPerCall = 400, kSlotsPerCall = 10'000, kUsedPerCall = 200;
  // Judgement: how long a repair is reported as a problem, and after how long another one is
  // logged.
  static constexpr std::uint64_t kReportedNs = 60 * kSecond;

  // All are borrowed and outlive it.
  Audit(AccessTable& entries, Bans& bans, Protected& protected_entries, Journal& journal)
      : entries_(entries), bans_(bans), protected_(protected_entries), journal_(journal) {}

  // Continues the current passes, or begins them when they are due.
  void run(const Now& now);

  // What was repaired lately, as a sentence; none: nothing.
  [[nodiscard]] std::optional<std::string> problem(const Now& now) const;

 private:
  // The next ban, and the next slots, of a pass.
  void check_bans(const Now& now);
  void check_slots(const Now& now);
  void repaired(std::size_t entries, const Now& now);

  AccessTable& entries_;
  Bans& bans_;
  Protected& protected_;
  Journal& journal_;
  std::uint64_t bans_due_ns_ = 0, slots_due_ns_ = 0;
  std::optional<Prefix> last_ban_;  // checked
  std::size_t next_slot_ = 0;
  std::size_t repaired_ = 0;  // since it was logged
  std::uint64_t repaired_at_ns_ = 0;
};

}  // namespace fw::engine
