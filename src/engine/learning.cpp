// SPDX-License-Identifier: MIT
// How what is usual here becomes budgets in force.
#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/engine.hpp"
#include "engine/journal/words.hpp"

namespace fw::engine {
namespace {

constexpr std::uint64_t kReviewNs = 60 * kSecond;     // until something is to be changed ...
constexpr std::uint64_t kChangedNs = 3600 * kSecond;  // ... and after a change
constexpr double kSame = 0.1;                         // a budget is not moved by less

double limit_of(const config::Budget& budget) {
  return budget.limit.value_or(0);
}

bool is_moved(const config::Budget& was, const config::Budget& is) {
  return std::abs(limit_of(is) - limit_of(was)) > kSame * limit_of(was);
}

// Some budget refused something within the last two seconds: at least as long as the window that is
// looked at now.
bool is_pressed(const datapath::Tables& tables, const Now& now) {
  if (tables.shared.empty()) return false;
  return __atomic_load_n(&tables.shared->under_load_until_ns, __ATOMIC_RELAXED) > now.mono_ns;
}

std::uint64_t rounded(double rate) {
  return static_cast<std::uint64_t>(std::round(rate));
}

}  // namespace

Result<void> Engine::recall(std::string_view learned) {
  if (Result<void> restored = baseline_.restore(learned); !restored) return restored;
  raise_budgets(settings_);
  return {};
}

void Engine::raise_budgets(Settings& settings) const {
  settings.budgets = settings.config.budgets;
  const bool learned = settings.config.detect.learn && baseline_.is_enough();
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++) {
    config::Budget& budget = settings.budgets[i];
    if (learned) budget = baseline_.raised(static_cast<fw_class>(i), budget);
    settings.compiled.policy.budget[i] = config::compile_budget(budget);
  }
}

void Engine::learn(const Now& now) {
  if (!settings_.config.detect.learn || mode() == Mode::off) return;
  const datapath::Tables tables = datapath_->tables();
  const Baseline::Moment moment = detector_.attack()        ? Baseline::Moment::attack
                                  : is_pressed(tables, now) ? Baseline::Moment::pressed
                                                            : Baseline::Moment::peace;
  baseline_.tick(tables.budgets, moment, now.mono_ns);
  if (moment != Baseline::Moment::peace || now.mono_ns < review_due_ns_) return;
  review_due_ns_ = now.mono_ns + kReviewNs;
  if (const Result<void> reviewed = review_budgets(now); !reviewed)
    journal_.write(EventType::reload_failed, now, [&] {
      return Draft{
          "",
          {Field::text("what", "learned budgets"), Field::text("error", reviewed.error().message)}};
    });
}

// Puts into force what differs, and says so; at most once an hour.
Result<void> Engine::review_budgets(const Now& now) {
  Settings next = settings_;
  raise_budgets(next);
  std::vector<fw_class> moved;
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++)
    if (is_moved(settings_.budgets[i], next.budgets[i])) moved.push_back(static_cast<fw_class>(i));
  if (moved.empty()) return {};
  if (Result<void> published =
          entries_.configure(next.compiled, static_cast<std::uint8_t>(datapath_->config().mode));
      !published)
    return published;
  review_due_ns_ = now.mono_ns + kChangedNs;
  const Settings was = std::exchange(settings_, std::move(next));
  for (const fw_class traffic_class : moved)
    journal_.write(EventType::learned, now, [&] {
      return Draft{
          "",
          {Field::text("class", class_word(traffic_class)),
           Field::count("budget", rounded(limit_of(settings_.budgets[traffic_class]))),
           Field::count("was", rounded(limit_of(was.budgets[traffic_class]))),
           Field::count("configured", rounded(limit_of(was.config.budgets[traffic_class]))),
           Field::count("usual", rounded(baseline_.usual(traffic_class))),
           Field::count("seconds", baseline_.seconds())}};
    });
  return {};
}

Result<void> Engine::reset_baseline(const Now& now) {
  baseline_.reset();
  return review_budgets(now);
}

}  // namespace fw::engine
