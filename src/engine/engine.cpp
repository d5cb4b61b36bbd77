// SPDX-License-Identifier: MIT
#include "engine/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "datapath/address_key.hpp"
#include "datapath/datapath.hpp"
#include "engine/changes.hpp"
#include "engine/journal/measured.hpp"
#include "engine/journal/words.hpp"
#include "engine/report/report.hpp"

namespace fw::engine {
namespace {

Settings settings_of(config::Config config) {
  Settings settings{.config = std::move(config), .compiled = {}, .budgets = {}, .mode = Mode::off};
  settings.compiled = config::compile(settings.config);
  settings.budgets = settings.config.budgets;
  settings.mode = settings.config.mode == config::Mode::enforce ? Mode::enforce : Mode::observe;
  return settings;
}

// High where a budget of the class refused something within the last two seconds, which is longer
// than the interval that the baseline looks at.
Baseline::Loads loads_of(const datapath::Tables& tables, const std::optional<Attack>& attack,
                         const Now& now) {
  Baseline::Loads loads{};
  if (!tables.shared.empty())
    for (unsigned i = 0; i < FW_CLASS_COUNT; i++) {
      const fw_u64& until = tables.shared.data()->under_load_until_ns[i & (FW_CLASS_SLOTS - 1)];
      if (__atomic_load_n(&until, __ATOMIC_RELAXED) > now.mono_ns) loads[i] = Baseline::Load::high;
    }
  if (attack)
    for (const auto& [vector, seen] : attack->vectors)
      loads[vector.traffic_class] = Baseline::Load::under_attack;
  return loads;
}

Prefix source_of(const fw_event& event) {
  return {.address = from_key(event.src), .bits = event.prefix_bits};
}

}  // namespace

Engine::Engine(datapath::Datapath& datapath, config::Config config, std::filesystem::path folder)
    : datapath_(&datapath),
      settings_(settings_of(std::move(config))),
      folder_(std::move(folder)),
      access_(datapath, journal_, settings_, folder_),
      detector_(datapath, journal_, settings_) {
  set_sample_sink({});
}

// ------------------------------------------------------------------- start and change

Result<void> Engine::restore_baseline(std::string_view text) {
  if (Result<void> restored = learner_.restore(text); !restored) return restored;
  learner_.raise(settings_);
  return {};
}

void Engine::set_sample_sink(std::function<void(const fw_sample&)> sink) {
  detector_.set_sample_sink([this, sink = std::move(sink)](const fw_sample& sample) {
    watch_.add(sample);
    if (sink) sink(sample);
  });
}

Result<void> Engine::adopt(const Now& now) {
  started_ = now.wall;
  traffic_.begin(datapath_->counters(), now);
  watch_.begin(datapath_->counters());
  detector_.begin();
  // What a former daemon left was made in the mode that is still in force.
  const Mode mode = std::exchange(
      settings_.mode, datapath_->config().mode == FW_MODE_OBSERVE ? Mode::observe : Mode::enforce);
  access_.adopt(now);
  settings_.mode = mode;
  if (mode == Mode::enforce) access_.lift_observed_bans(now);
  slept_ns_ = now.slept_ns;
  clock_ = KeptClock(static_cast<std::int64_t>(now.slept_ns));
  if (Result<void> done = access_.configure(settings_.compiled, mode); !done) return done;
  access_.take_over(datapath_->former_entries(), 0, now);
  adopted_ns_ = now.mono_ns;
  return {};
}

Result<void> Engine::set_exemptions(std::span<const Exemption> exemptions, const Now& now) {
  drain_events(now);
  return access_.set_exemptions(exemptions, now);
}

Result<std::vector<std::string>> Engine::apply(config::Config config, const Now& now) {
  const auto failed = [&](Error error) {
    journal_.write(EventType::reload_failed, now, [&] { return failure_details("config", error); });
    return std::unexpected(std::move(error));
  };
  if (Result<void> fixed = check_fixed_settings(settings_.config, config); !fixed)
    return failed(fixed.error());

  Settings next = settings_of(std::move(config));
  learner_.raise(next);
  if (settings_.mode == Mode::off) next.mode = Mode::off;  // only the operator switches on again
  if (Result<void> published = access_.configure(next.compiled, next.mode); !published)
    return failed(published.error());
  std::vector<std::string> changes = describe_changes(settings_, next);
  if (next.mode != settings_.mode) before_mode(next.mode, now);
  settings_ = std::move(next);
  if (settings_.mode == Mode::enforce) access_.lift_observed_bans(now);
  journal_.write(EventType::reload, now, [&] {
    return EventDetails{"",
                        {Field::text("what", "config"),
                         Field::text("changes", fmt::format("{}", fmt::join(changes, ", ")))}};
  });
  return changes;
}

Result<std::vector<std::string>> Engine::apply(config::Config config, ReadyLists lists,
                                               const Now& now) {
  const std::size_t deny = access_.lists().deny.entries().size();
  const std::size_t allow = access_.lists().allow.entries().size();
  Result<std::vector<std::string>> changes = apply(std::move(config), now);
  if (!changes) return changes;
  if (Result<void> used = use_lists(std::move(lists), now); !used)
    return std::unexpected(used.error());
  const ListSet& used = access_.lists();
  if (deny != used.deny.entries().size())
    changes->push_back(fmt::format("deny entries {} -> {}", deny, used.deny.entries().size()));
  if (allow != used.allow.entries().size())
    changes->push_back(fmt::format("allow entries {} -> {}", allow, used.allow.entries().size()));
  return changes;
}

Result<void> Engine::set_mode(Mode mode, const Now& now) {
  if (mode == settings_.mode) return {};
  if (Result<void> published = access_.configure(settings_.compiled, mode); !published)
    return published;
  changed_mode(mode, now);
  return {};
}

Result<void> Engine::move_to(datapath::Datapath& datapath, Mode mode, const Now& now) {
  datapath_ = &datapath;
  access_.move_to(datapath);
  traffic_.begin(datapath.counters(), now);
  watch_.begin(datapath.counters());
  detector_.move_to(datapath);
  if (Result<void> done = access_.configure(settings_.compiled, mode); !done) return done;
  if (mode != settings_.mode) changed_mode(mode, now);
  return access_.fill(now);
}

// What was counted so far is told in the words of the mode that ends.
void Engine::before_mode(Mode next, const Now& now) {
  traffic_.update(datapath_->counters(), settings_.observing(), journal_, now);
  traffic_.summarise(settings_.observing(), journal_, now);
  access_.begin_observe(next == Mode::observe);
  watch_.begin(datapath_->counters());  // its samples do not say in which mode they were judged
}

// The mode is in force in the datapath.
void Engine::changed_mode(Mode mode, const Now& now) {
  before_mode(mode, now);
  const Mode was = std::exchange(settings_.mode, mode);
  if (mode == Mode::enforce) access_.lift_observed_bans(now);
  journal_.write(EventType::mode, now, [&] {
    return EventDetails{"", {Field::text("mode", word(mode)), Field::text("was", word(was))}};
  });
}

// ------------------------------------------------------------------- ten times a second

void Engine::tick(const Now& now) {
  notice_sleep(now);
  drain_events(now);
  ban_scanners(now);
  detector_.tick(traffic_.counters(), now);
  watch_.tick(traffic_.counters(), borne_lately(), now);
  learn(now);
  access_.tick(now);
  interface_log_.update(interfaces(), journal_, now);
  journal_.summarise_suppressed(now);
}

// Above the budgets of services, and passed, since the last tick.
std::uint64_t Engine::borne_lately() const {
  std::uint64_t packets = 0;
  for (const auto& [key, service] : detector_.capacities().services())
    packets += static_cast<std::uint64_t>(service.passed);
  return packets;
}

void Engine::reconcile(const Now& now) {
  if (mode() == Mode::off) return;
  for (const datapath::Difference& difference : datapath_->reconcile())
    repairs_.note(difference.what, difference.unsolved, journal_, now);
  if (datapath_->needs_lists()) {
    const Result<void> done = access_.republish_lists();
    repairs_.note("the lists in the kernel were changed", done ? "" : done.error().message,
                  journal_, now);
  }
  if (detector_.signatures().repair() != 0)
    repairs_.note("signatures in the kernel were changed", "", journal_, now);
}

void Engine::drain_events(const Now& now) {
  datapath_->drain_events([&](const fw_event& event) {
    switch (event.kind) {
      case FW_EVENT_BAN:
      case FW_EVENT_RESTRICT:
        access_.on_ban_event(event, now);
        detector_.note_source(event);
        break;
      case FW_EVENT_SCAN:
        record_scan(event, now);
        break;
      case FW_EVENT_LIMIT:
        note_limited(source_of(event));
        detector_.note_source(event);
        journal_.write(event.observed != 0 ? EventType::would_limit : EventType::limit, now, [&] {
          EventDetails details{source_of(event).text(),
                               {Field::text("rule", settings_.rule_name(event.rule))}};
          const Measured value = measured(event, now);
          std::ranges::copy(fields_of_limit(value, settings_.burst_of(event.rule, value.metric)),
                            std::back_inserter(details.fields));
          return details;
        });
        break;
      default:
        break;
    }
  });
  traffic_.update(datapath_->counters(), settings_.observing(), journal_, now);
}

void Engine::finish(const Now& now) {
  drain_events(now);
  traffic_.summarise(settings_.observing(), journal_, now);
}

void Engine::note_limited(const Prefix& source) {
  constexpr std::size_t kMost = 256;  // judgement: each is looked up for `list sources`
  std::erase(limited_, source);
  if (limited_.size() == kMost) limited_.pop_front();
  limited_.push_back(source);
}

void Engine::record_scan(const fw_event& event, const Now& now) {
  const Prefix source = source_of(event);
  if (settings_.config.detect.scan_ban.count() != 0) scanners_.push_back(source);
  journal_.write(EventType::scan, now, [&] {
    return EventDetails{
        source.text(),
        {Field::text("proto", protocol_name(event.proto)), Field::count("dport", event.dport),
         Field::count("port_groups", event.value), Field::count("limit", event.limit),
         Field::text("window", "69s")}};
  });
}

// A scanner's address can be forged: it is restricted, and only if the operator chooses so
// (detect.scan_ban).
void Engine::ban_scanners(const Now& now) {
  const auto span_ms = static_cast<std::uint64_t>(settings_.config.detect.scan_ban.count());
  for (const Prefix& scanner : std::exchange(scanners_, {})) {
    if (settings_.observing()) continue;
    // Refused if the source was exempted or allowed since.
    (void)ban(std::span(&scanner, 1),
              {.span_ns = span_ms * kMillisecond, .reason = "port scan", .restricted = true}, now);
  }
}

void Engine::learn(const Now& now) {
  if (!settings_.config.detect.learn || mode() == Mode::off) return;
  const datapath::Tables tables = datapath_->tables();
  const Baseline::Loads loads = loads_of(tables, detector_.attack(), now);
  if (!learner_.tick(tables.budgets, loads, now)) return;
  if (const Result<void> reviewed = review_budgets(loads, now); !reviewed)
    journal_.write(EventType::reload_failed, now,
                   [&] { return failure_details("learned budgets", reviewed.error()); });
}

Result<void> Engine::review_budgets(const Baseline::Loads& loads, const Now& now) {
  std::optional<Settings> next = learner_.review(settings_, loads);
  if (!next) return {};
  if (Result<void> published = access_.configure(next->compiled, next->mode); !published)
    return published;
  const Settings was = std::exchange(settings_, std::move(*next));
  learner_.changed(was, settings_, journal_, now);
  return {};
}

// ------------------------------------------------------------------- orders of the operator

Result<Outcomes> Engine::ban(std::span<const Prefix> prefixes, const BanOrder& order,
                             const Now& now) {
  drain_events(now);
  return access_.ban(prefixes, order, now);
}

Result<Outcomes> Engine::unban(std::span<const Prefix> prefixes, bool strict, const Now& now) {
  drain_events(now);
  return access_.unban(prefixes, strict, now);
}

Outcomes Engine::unban_all(const Now& now) {
  drain_events(now);
  return access_.unban_all(now);
}

Result<Deferred<Result<Outcomes>>> Engine::allow(std::span<const Prefix> prefixes,
                                                 const std::string& comment, const Now& now) {
  drain_events(now);
  return access_.allow(prefixes, comment, now);
}

Result<Outcomes> Engine::allow_for(std::span<const Prefix> prefixes, std::uint64_t span_ns,
                                   const std::string& comment, const Now& now) {
  drain_events(now);
  return access_.allow_for(prefixes, span_ns, comment, now);
}

Result<Deferred<Result<Outcomes>>> Engine::unallow(std::span<const Prefix> prefixes, bool strict,
                                                   const Now& now) {
  return access_.unallow(prefixes, strict, now);
}

Result<void> Engine::reset_baseline(const Now& now) {
  learner_.reset();
  baseline_due_ns_ = 0;
  return review_budgets({}, now);
}

// ------------------------------------------------------------------- state

std::vector<datapath::InterfaceStatus> Engine::interfaces() const {
  std::vector<datapath::InterfaceStatus> all = datapath_->interfaces();
  for (const datapath::InterfaceStatus& unprotected : unprotected_) {
    const auto known = std::ranges::find(all, unprotected.name, &datapath::InterfaceStatus::name);
    if (known == all.end())
      all.push_back(unprotected);
    else if (known->attachment == datapath::Attachment::none)
      *known = unprotected;  // it went away, and came back as one that refuses us
  }
  return all;
}

View Engine::view(const Now& now) const {
  return {.settings = settings_,
          .datapath = *datapath_,
          .traffic = traffic_,
          .journal = journal_,
          .bans = access_.bans(),
          .protected_entries = access_.protected_entries(),
          .lists = access_.lists(),
          .offences = access_.offences(),
          .detector = detector_,
          .baseline = learner_.baseline(),
          .watch = watch_,
          .limited = limited_,
          .host_problems = host_problems_,
          .audit_problem = access_.audit_problem(now),
          .restored = restored_,
          .repairs = repairs_.problems(now),
          .interfaces = interfaces(),
          .started = started_,
          .figures = figures_};
}

std::vector<std::string> Engine::problems(const Now& now) const {
  return engine::problems(view(now));
}

}  // namespace fw::engine
