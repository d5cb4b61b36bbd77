// SPDX-License-Identifier: MIT
#include "engine/learn/budget_learner.hpp"

#include <cmath>

#include "engine/journal/words.hpp"

namespace fw::engine {
namespace {

double limit_of(const config::Budget& budget) {
  return budget.limit.value_or(0);
}

bool differs(const config::Budget& was, const config::Budget& is) {
  return std::abs(limit_of(is) - limit_of(was)) > BudgetLearner::kMinChange * limit_of(was);
}

std::uint64_t rounded(double rate) {
  return static_cast<std::uint64_t>(std::round(rate));
}

}  // namespace

void BudgetLearner::raise(Settings& settings) const {
  settings.budgets = settings.config.budgets;
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++) {
    config::Budget& budget = settings.budgets[i];
    const auto traffic_class = static_cast<fw_class>(i);
    if (settings.config.detect.learn && baseline_.is_enough(traffic_class))
      budget = baseline_.raised(traffic_class, budget);
    settings.compiled.policy.budget[i] = config::compile_budget(budget);
  }
}

bool BudgetLearner::tick(std::span<const fw_budget> budgets, const Baseline::Loads& loads,
                         const Now& now) {
  baseline_.tick(budgets, loads, now.mono_ns);
  if (now.mono_ns < review_due_ns_) return false;
  review_due_ns_ = now.mono_ns + kReviewNs;
  return true;
}

std::optional<Settings> BudgetLearner::review(const Settings& current,
                                              const Baseline::Loads& loads) const {
  Settings next = current;
  raise(next);
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++) {
    if (loads[i] == Baseline::Load::normal) continue;
    next.budgets[i] = current.budgets[i];
    next.compiled.policy.budget[i] = current.compiled.policy.budget[i];
  }
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++)
    if (differs(current.budgets[i], next.budgets[i])) return next;
  return std::nullopt;
}

void BudgetLearner::changed(const Settings& was, const Settings& is, Journal& journal,
                            const Now& now) {
  review_due_ns_ = now.mono_ns + kChangeNs;
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++) {
    if (!differs(was.budgets[i], is.budgets[i])) continue;
    const auto traffic_class = static_cast<fw_class>(i);
    journal.write(EventType::learned, now, [&] {
      return EventDetails{"",
                          {Field::text("class", class_word(traffic_class)),
                           Field::count("budget", rounded(limit_of(is.budgets[i]))),
                           Field::count("was", rounded(limit_of(was.budgets[i]))),
                           Field::count("configured", rounded(limit_of(was.config.budgets[i]))),
                           Field::count("usual", rounded(baseline_.usual(traffic_class))),
                           Field::count("seconds", baseline_.seconds())}};
    });
  }
}

}  // namespace fw::engine
