// SPDX-License-Identifier: MIT
// Raises the budgets in force to the baseline, and says in the log what it raised. It owns the
// baseline; the engine publishes the settings that review() returns.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "abi/layout.h"
#include "base/error.hpp"
#include "base/now.hpp"
#include "engine/journal/journal.hpp"
#include "engine/learn/baseline.hpp"
#include "engine/settings/settings.hpp"

namespace fw::engine {

class BudgetLearner {
 public:
  static constexpr std::uint64_t kReviewNs = 60 * kSecond;  // judgement
  // Judgement: a change an hour at most, so that no burst of changes follows a flood that rises.
  static constexpr std::uint64_t kChangeNs = 3600 * kSecond;
  static constexpr double kMinChange = 0.1;  // judgement: a budget is not moved by less

  [[nodiscard]] const Baseline& baseline() const { return baseline_; }
  // What a former daemon learned (Baseline::text()). After an error learning starts from nothing.
  [[nodiscard]] Result<void> restore(std::string_view text) { return baseline_.restore(text); }
  void reset() { baseline_.reset(); }

  // Sets the budgets in force to the configured ones, raised to the baseline if it may be used.
  void raise(Settings& settings) const;

  // Learns from the interval that is over. True if it is time for a review.
  [[nodiscard]] bool tick(std::span<const fw_budget> budgets, const Baseline::Loads& loads,
                          const Now& now);
  // `current` with raised budgets, but for the classes whose load is not normal; none: they differ
  // too little to be changed.
  [[nodiscard]] std::optional<Settings> review(const Settings& current,
                                               const Baseline::Loads& loads) const;
  // The settings that review() returned are in force.
  void changed(const Settings& was, const Settings& is, Journal& journal, const Now& now);

 private:
  Baseline baseline_;
  std::uint64_t review_due_ns_ = 0;
};

}  // namespace fw::engine
