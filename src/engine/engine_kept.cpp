// SPDX-License-Identifier: MIT
// What outlives the daemon: handed out as rows, and taken again by the next one.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "datapath/datapath.hpp"
#include "engine/engine.hpp"
#include "engine/kept/kept_text.hpp"

namespace fw::engine {
namespace {

constexpr const char* kMode = "mode";
constexpr const char* kClock = "clock";
constexpr const char* kBaseline = "baseline";

// Judgement: how much longer a ban may last after the power failed, on a host on which nothing
// else changed.
constexpr std::uint64_t kClockEveryNs = 60 * kSecond;
constexpr std::uint64_t kBaselineEveryNs = 300 * kSecond;  // judgement: what a crash may lose
// Less is no sleep, but two clocks that were not read at the same moment.
constexpr std::uint64_t kSleepNs = kSecond;

std::string_view word_of(config::Mode configured) {
  return word(configured == config::Mode::enforce ? Mode::enforce : Mode::observe);
}

std::optional<KeptText> find(const KeptRows& rows, std::string_view name) {
  const auto row = std::ranges::find(rows, name, &KeptRow::name);
  return row == rows.end() ? std::nullopt : KeptText::parse(*row);
}

EventDetails details_of(const Restored& restored) {
  EventDetails details{
      "",
      {Field::count("bans", restored.bans), Field::count("allowances", restored.allowances),
       Field::count("offenders", restored.offenders),
       Field::count("signatures", restored.signatures), Field::count("attacks", restored.attacks)}};
  if (restored.events > 0) details.fields.push_back(Field::count("events", restored.events));
  if (restored.no_room > 0) details.fields.push_back(Field::count("no_room", restored.no_room));
  if (restored.unreadable > 0)
    details.fields.push_back(Field::count("unreadable", restored.unreadable));
  return details;
}

}  // namespace

Mode kept_mode(const KeptRows& rows, config::Mode configured) {
  const Mode otherwise = configured == config::Mode::enforce ? Mode::enforce : Mode::observe;
  const auto kept = find(rows, kMode);
  if (!kept) return otherwise;
  const std::string mode = kept->text("mode");
  if (mode == word(Mode::off)) return Mode::off;
  if (kept->text("configured") != word_of(configured)) return otherwise;
  return mode == word(Mode::enforce)   ? Mode::enforce
         : mode == word(Mode::observe) ? Mode::observe
                                       : otherwise;
}

void Engine::restore(const KeptRows& rows, std::string_view boot_id, bool numbers_lost,
                     const Now& now) {
  boot_id_ = boot_id;
  if (const auto clock = find(rows, kClock)) {
    const bool same_boot = !boot_id.empty() && clock->text("boot") == boot_id;
    const std::int64_t now_ns = static_cast<std::int64_t>(now.mono_ns);
    clock_ = KeptClock(same_boot ? clock->number("ahead_ns") : clock->number("now_ns") - now_ns);
    if (same_boot) slept_ns_ = clock->count("slept_ns", now.slept_ns);
  }
  access_.restore(rows, clock_, datapath_->has_former_entries(), now, restored_);
  detector_.restore(rows, clock_, now, few_, restored_);
  if (numbers_lost) detector_.number_anew(now);
  notice_sleep(now);
  if (rows.empty()) return;
  journal_.write(EventType::restored, now, [&] { return details_of(restored_); });
}

void Engine::restore_events(const KeptRows& rows) {
  restored_.events = journal_.restore(rows);
}

void Engine::adopt_late(const Now& now) {
  access_.take_over(datapath_->former_entries(), adopted_ns_, now);
  datapath_->forget_former();
}

// The datapath's clock stands still while the machine sleeps, and a ban's hour does not.
void Engine::notice_sleep(const Now& now) {
  if (now.slept_ns < slept_ns_ + kSleepNs) return;
  const std::uint64_t span_ns = now.slept_ns - std::exchange(slept_ns_, now.slept_ns);
  clock_ = KeptClock(clock_.ahead_ns() + static_cast<std::int64_t>(span_ns));
  access_.slept(span_ns, now);
  detector_.slept(span_ns);
}

KeptRows Engine::take_changes(std::size_t most, bool last, const Now& now) {
  KeptRows rows;
  few_.put(
      kMode,
      kept_text({{"mode", word(settings_.mode)}, {"configured", word_of(settings_.config.mode)}}),
      rows);
  detector_.take_changes(clock_, now, last, few_, rows);
  few_.remove_others(rows);
  journal_.take_changes(most, rows);
  if (last) access_.note_renewals();
  access_.take_changes(most, clock_, now, rows);
  if (last || now.mono_ns >= baseline_due_ns_) {
    baseline_due_ns_ = now.mono_ns + kBaselineEveryNs;
    if (std::string text = baseline().text(); text != written_baseline_) {
      written_baseline_ = text;
      rows.push_back({kBaseline, std::move(text)});
    }
  }
  if (rows.empty() && now.mono_ns < clock_due_ns_) return rows;
  clock_due_ns_ = now.mono_ns + kClockEveryNs;
  rows.push_back({kClock, kept_text({{"boot", boot_id_},
                                     {"ahead_ns", clock_.ahead_ns()},
                                     {"slept_ns", slept_ns_},
                                     {"now_ns", clock_.kept_ns(static_cast<std::int64_t>(
                                                    now.mono_ns + now.slept_ns - slept_ns_))}})});
  return rows;
}

void Engine::write_all() {
  few_.write_all();
  journal_.write_all();
  access_.write_all();
  written_baseline_.clear();
  baseline_due_ns_ = clock_due_ns_ = 0;
}

}  // namespace fw::engine
