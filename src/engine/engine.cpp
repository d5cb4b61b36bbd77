// SPDX-License-Identifier: MIT
// How the engine starts, changes and ticks. What the operator asks of it is in operator.cpp.
#include "engine/engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "datapath/address_key.hpp"
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

std::uint8_t policy_mode(Mode mode) {
  switch (mode) {
    case Mode::off:
      return FW_MODE_OFF;
    case Mode::observe:
      return FW_MODE_OBSERVE;
    case Mode::enforce:
      return FW_MODE_ENFORCE;
  }
  return FW_MODE_OFF;
}

Draft failure(std::string_view what, const Error& error) {
  return {"", {Field::text("what", what), Field::text("error", error.message)}};
}

}  // namespace

Engine::Engine(datapath::Datapath& datapath, config::Config config, std::filesystem::path folder)
    : datapath_(&datapath),
      settings_(settings_of(std::move(config))),
      folder_(std::move(folder)),
      entries_(datapath),
      bans_(entries_, journal_, offences_, settings_),
      protected_(entries_, journal_, bans_.forced()),
      audit_(entries_, bans_, protected_, journal_),
      detector_(datapath, journal_, settings_) {}

Result<void> Engine::adopt(const Now& now) {
  started_ = now.wall;
  traffic_.begin(datapath_->counters(), now);
  detector_.begin(now);
  // What a former daemon left was made in the mode that is still in force.
  const Mode mode = std::exchange(
      settings_.mode, datapath_->config().mode == FW_MODE_OBSERVE ? Mode::observe : Mode::enforce);
  for (const fw_entry& entry : entries_.slots()) {
    if (until_ns(entry) <= now.mono_ns) continue;
    if (entry.kind == FW_ENTRY_BAN)
      bans_.adopt(entry, now);
    else
      protected_.adopt(entry, now);
  }
  settings_.mode = mode;
  if (mode == Mode::enforce) bans_.lift_observed(now);
  return entries_.configure(settings_.compiled, policy_mode(mode));
}

Result<void> Engine::load_lists(const Now& now) {
  ListSet lists = ListSet::read(settings_.config.lists, folder_);
  const Result<bool> changed = publish_lists(lists);
  if (!changed) {
    journal_.write(EventType::reload_failed, now,
                   [&] { return failure("lists", changed.error()); });
    return std::unexpected(changed.error());
  }
  lists_ = std::move(lists);
  lift_bans_of_the_allowed(now);

  for (const std::string& problem : lists_.problems)
    if (std::ranges::find(noted_problems_, problem) == noted_problems_.end())
      journal_.write(EventType::list_problem, now,
                     [&] { return Draft{"", {Field::text("problem", problem)}}; });
  noted_problems_ = lists_.problems;
  if (*changed)
    journal_.write(EventType::reload, now, [&] {
      return Draft{
          "",
          {Field::text("what", "lists"), Field::count("deny", lists_.deny.entries().size()),
           Field::count("allow", lists_.allow.entries().size())}};
    });
  return {};
}

Result<bool> Engine::publish_lists(const ListSet& lists) {
  const Result<std::vector<std::byte>> image = lists.image(bans_.forced());
  if (!image) return std::unexpected(image.error());
  const std::size_t hash =
      std::hash<std::string_view>{}({reinterpret_cast<const char*>(image->data()), image->size()});
  if (hash == image_hash_) return false;  // a file was touched, its entries were not
  if (Result<void> published = datapath_->publish_lists(*image); !published)
    return std::unexpected(published.error());
  image_hash_ = hash;
  return true;
}

Result<void> Engine::set_exemptions(std::span<const Exemption> exemptions, const Now& now) {
  drain_events(now);
  for (const Exemption& exemption : exemptions) {
    const auto ban = bans_.all().find({.address = exemption.address, .bits = 128});
    if (ban == bans_.all().end() || ban->second.forced) continue;
    const Prefix prefix = ban->first;
    bans_.lift(prefix, "exempt", now);
  }
  return protected_.set_exemptions(exemptions, now);
}

Result<std::vector<std::string>> Engine::apply(config::Config config, const Now& now) {
  const auto failed = [&](Error error) {
    journal_.write(EventType::reload_failed, now, [&] { return failure("config", error); });
    return std::unexpected(std::move(error));
  };
  if (Result<void> fixed = check_fixed_settings(settings_.config, config); !fixed)
    return failed(fixed.error());

  Settings next = settings_of(std::move(config));
  raise_budgets(next);
  if (settings_.mode == Mode::off) next.mode = Mode::off;  // only the operator switches on again
  if (Result<void> published = entries_.configure(next.compiled, policy_mode(next.mode));
      !published)
    return failed(published.error());
  std::vector<std::string> changes = describe_changes(settings_, next);
  settings_ = std::move(next);
  if (settings_.mode == Mode::enforce) bans_.lift_observed(now);
  journal_.write(EventType::reload, now, [&] {
    return Draft{"",
                 {Field::text("what", "config"),
                  Field::text("changes", fmt::format("{}", fmt::join(changes, ", ")))}};
  });
  return changes;
}

Result<std::vector<std::string>> Engine::reload(const std::filesystem::path& config_file,
                                                const Now& now) {
  Result<config::Config> config = config::load(config_file);
  if (!config) {
    journal_.write(EventType::reload_failed, now,
                   [&] { return failure("config", config.error()); });
    return std::unexpected(config.error());
  }
  const std::size_t deny = lists_.deny.entries().size();
  const std::size_t allow = lists_.allow.entries().size();
  Result<std::vector<std::string>> changes = apply(std::move(*config), now);
  if (!changes) return changes;
  if (Result<void> loaded = load_lists(now); !loaded) return std::unexpected(loaded.error());
  if (deny != lists_.deny.entries().size())
    changes->push_back(fmt::format("deny entries {} -> {}", deny, lists_.deny.entries().size()));
  if (allow != lists_.allow.entries().size())
    changes->push_back(fmt::format("allow entries {} -> {}", allow, lists_.allow.entries().size()));
  return changes;
}

Result<void> Engine::set_mode(Mode mode, const Now& now) {
  if (mode == settings_.mode) return {};
  if (Result<void> published = entries_.configure(settings_.compiled, policy_mode(mode));
      !published)
    return published;
  const Mode was = std::exchange(settings_.mode, mode);
  if (mode == Mode::enforce) bans_.lift_observed(now);
  journal_.write(EventType::mode, now, [&] {
    return Draft{"", {Field::text("mode", word(mode)), Field::text("was", word(was))}};
  });
  return {};
}

Result<void> Engine::move_to(datapath::Datapath& datapath, const Now& now) {
  datapath_ = &datapath;
  entries_.move_to(datapath);
  image_hash_ = 0;
  traffic_.begin(datapath.counters(), now);
  detector_.move_to(datapath, now);
  std::vector<Prefix> prefixes;
  for (const auto& [prefix, ban] : bans_.all()) prefixes.push_back(prefix);
  for (const auto& [prefix, allowance] : protected_.allowances()) prefixes.push_back(prefix);
  if (Result<void> done = entries_.configure(settings_.compiled, policy_mode(mode())); !done)
    return done;
  if (Result<void> done = entries_.admit(prefixes); !done) return done;
  if (Result<void> done = bans_.refill(now); !done) return done;
  protected_.sync(now);
  if (Result<bool> done = publish_lists(lists_); !done) return std::unexpected(done.error());
  return {};
}

void Engine::tick(const Now& now) {
  drain_events(now);
  ban_scanners(now);
  detector_.tick(traffic_.counters(), now);
  learn(now);
  bans_.expire(now);
  protected_.expire(now);
  follow_forced_bans(now);
  audit_.run(now);
  entries_.drop_unused();
  note_interfaces(now);
  journal_.summarise_suppressed(now);
}

void Engine::drain_events(const Now& now) {
  datapath_->drain_events([&](const fw_event& event) {
    if (event.kind == FW_EVENT_BAN) {
      bans_.on_event(event, now);
      return;
    }
    if (event.kind == FW_EVENT_SCAN) {
      note_scan(event, now);
      return;
    }
    if (event.kind != FW_EVENT_LIMIT) return;
    journal_.write(event.observed != 0 ? EventType::would_limit : EventType::limit, now, [&] {
      const Prefix source{.address = from_key(event.src), .bits = event.prefix_bits};
      Draft draft{source.text(), {Field::text("rule", settings_.rule_name(event.rule))}};
      std::ranges::copy(fields_of(measured(event, now)), std::back_inserter(draft.fields));
      return draft;
    });
  });
  traffic_.update(datapath_->counters(), settings_.observing(), journal_, now);
}

void Engine::note_scan(const fw_event& event, const Now& now) {
  const Prefix source{.address = from_key(event.src), .bits = event.prefix_bits};
  if (settings_.config.detect.scan_ban.count() != 0) scanners_.push_back(source);
  journal_.write(EventType::scan, now, [&] {
    return Draft{source.text(),
                 {Field::text("proto", protocol_name(event.proto)),
                  Field::count("dport", event.dport), Field::count("port_groups", event.value)}};
  });
}

// A scanner's address can be forged: banning it is the operator's choice (detect.scan_ban).
void Engine::ban_scanners(const Now& now) {
  const auto span_ms = static_cast<std::uint64_t>(settings_.config.detect.scan_ban.count());
  for (const Prefix& scanner : std::exchange(scanners_, {})) {
    if (settings_.observing()) continue;
    // Refused for who is exempt or allowed since.
    (void)ban(std::span(&scanner, 1), {.span_ns = span_ms * kMillisecond, .reason = "port scan"},
              now);
  }
}

void Engine::follow_forced_bans(const Now& now) {
  if (std::exchange(followed_forced_, bans_.forced_changes()) == bans_.forced_changes()) return;
  protected_.sync(now);
  if (const Result<bool> published = publish_lists(lists_); !published)
    journal_.write(EventType::reload_failed, now,
                   [&] { return failure("lists", published.error()); });
}

void Engine::lift_bans_inside(const Prefix& prefix, std::string_view reason, const Now& now) {
  std::vector<Prefix> inside;
  for_each_inside(bans_.all(), prefix, [&](const auto& ban) { inside.push_back(ban.first); });
  for (const Prefix& banned : inside) bans_.lift(banned, reason, now);
}

void Engine::lift_bans_of_the_allowed(const Now& now) {
  if (lists_.allow.entries().empty()) return;
  std::vector<Prefix> allowed;
  for (const auto& [prefix, ban] : bans_.all())
    if (!ban.forced && lists_.allow.covering(prefix) != nullptr) allowed.push_back(prefix);
  for (const Prefix& prefix : allowed) bans_.lift(prefix, "allowed", now);
}

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

void Engine::note_interfaces(const Now& now) {
  std::vector<datapath::InterfaceStatus> current = interfaces();
  for (const datapath::InterfaceStatus& status : current) {
    const auto was = std::ranges::find(interfaces_, status.name, &datapath::InterfaceStatus::name);
    if (was != interfaces_.end() && was->attachment == status.attachment &&
        was->problem == status.problem)
      continue;
    const bool attached = status.attachment != datapath::Attachment::none;
    journal_.write(attached ? EventType::attach : EventType::detach, now, [&] {
      Draft draft{"", {Field::text("interface", status.name)}};
      if (attached) draft.fields.push_back(Field::text("attachment", word(status.attachment)));
      if (!status.problem.empty()) draft.fields.push_back(Field::text("problem", status.problem));
      return draft;
    });
  }
  for (const datapath::InterfaceStatus& status : interfaces_)
    if (status.attachment != datapath::Attachment::none &&
        std::ranges::find(current, status.name, &datapath::InterfaceStatus::name) == current.end())
      journal_.write(EventType::detach, now,
                     [&] { return Draft{"", {Field::text("interface", status.name)}}; });
  interfaces_ = std::move(current);
}

View Engine::view(const Now& now) const {
  return {.settings = settings_,
          .datapath = *datapath_,
          .traffic = traffic_,
          .journal = journal_,
          .bans = bans_,
          .protected_entries = protected_,
          .lists = lists_,
          .offences = offences_,
          .detector = detector_,
          .baseline = baseline_,
          .host_problems = host_problems_,
          .audit_problem = audit_.problem(now),
          .interfaces = interfaces(),
          .started = started_};
}

std::vector<std::string> Engine::problems(const Now& now) const {
  return engine::problems(view(now));
}

}  // namespace fw::engine
