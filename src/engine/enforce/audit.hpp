// SPDX-License-Identifier: MIT
// Compares the desired state with the datapath's tables every ten seconds: looks each ban,
// exemption and allowance up as a packet would, and each entry of the tables among those desired.
// Differences are repaired, counted and reported. The work per call is bounded.
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
  // Judgement: how long an entry that another program erased may be missing.
  static constexpr std::uint64_t kPeriodNs = 10 * kSecond;
  static constexpr std::size_t kStepsPerCall = 10'000;  // judgement: well below a tick of 100 ms
  // Judgement: how long a repair is reported as a problem.
  static constexpr std::uint64_t kReportedNs = 600 * kSecond;

  // All are borrowed and outlive it.
  Audit(AccessTable& entries, Bans& bans, Protected& protected_entries, Journal& journal)
      : entries_(entries), bans_(bans), protected_(protected_entries), journal_(journal) {}

  // Continues the current pass, or begins one when it is due.
  void run(const Now& now);

  // What was repaired lately, as a sentence; none: nothing.
  [[nodiscard]] std::optional<std::string> problem(const Now& now) const;

 private:
  // Each checks at most `steps` items; true when all were checked.
  [[nodiscard]] bool check_bans(std::size_t steps, const Now& now);
  [[nodiscard]] bool check_slots(std::size_t steps, const Now& now);
  void report(const Now& now);

  enum class Stage : std::uint8_t { idle, protections, bans, slots };

  AccessTable& entries_;
  Bans& bans_;
  Protected& protected_;
  Journal& journal_;
  Stage stage_ = Stage::idle;
  std::uint64_t due_ns_ = 0;
  std::optional<Prefix> last_ban_;  // checked
  std::size_t next_slot_ = 0;
  std::size_t repaired_now_ = 0;   // in this pass
  std::size_t repaired_last_ = 0;  // in the last pass that repaired any
  std::uint64_t repaired_at_ns_ = 0;
};

}  // namespace fw::engine
