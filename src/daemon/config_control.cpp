// SPDX-License-Identifier: MIT
#include "daemon/config_control.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "base/units.hpp"
#include "base/words.hpp"
#include "datapath/datapath.hpp"
#include "lists/kept_lists.hpp"

namespace fw::daemon {
namespace {

constexpr std::uint64_t kRetryNs = 5 * kSecond;  // of a return that failed

std::string not_used(const std::string& why) {
  return fmt::format(
      "floodwall.toml on disk is not in force, the former configuration is: {}. Change it, then: "
      "floodwall apply",
      why);
}

constexpr std::string_view kUnconfirmed = "it was not confirmed in time, so it was taken back";

}  // namespace

Result<StartConfig> choose_at_start(const std::filesystem::path& file,
                                    const std::filesystem::path& lists, KeptConfig& kept,
                                    const Now& now) {
  std::string problem;
  if (const Result<void> restored = kept.restore(); !restored) problem = restored.error().message;
  const bool returns = kept.is_due(read_boot_time());
  if (returns)
    if (const Result<void> reverted = kept.revert(); !reverted) problem = reverted.error().message;

  Result<config::Source> source = config::read_source(file);
  if (!source) return std::unexpected(source.error());
  Result<config::Config> config = config::parse(*source);
  std::string why_not;
  if (returns || kept.rejected() == *source) why_not = kUnconfirmed;
  if (!config && why_not.empty()) return std::unexpected(config.error());
  const auto on_disk = [&]() -> Result<StartConfig> {
    if (!config) return std::unexpected(config.error());
    return StartConfig{.source = *source, .config = *config, .problem = problem};
  };
  if (!kept.in_force() || kept.in_force() == *source) return on_disk();

  // Another configuration than before: a start must not do what apply would refuse.
  Result<config::Config> former = config::parse(*kept.in_force());
  if (!former) return on_disk();
  if (why_not.empty()) {
    if (const auto facts = host::read_facts()) {
      const lists::KeptLists kept_lists(lists);
      const auto own = engine_own(facts->network);
      const auto read = [&](const config::Lists& names) {
        auto set = engine::ListSet::read(names, file.parent_path(), now.wall, kept_lists);
        set.refuse(own);
        return set;
      };
      const engine::ListSet new_lists = read(config->lists), old_lists = read(former->lists);
      const Candidate current{.source = *kept.in_force(), .config = *former, .lists = old_lists};
      const engine::PrefixMap<engine::Allowance> no_allowances;
      const LockoutGuard guard(no_allowances, "", true, read_lifelines(*facts));
      const auto objections = guard.objections(
          {.source = *source, .config = *config, .lists = new_lists}, &current, now);
      if (!objections.empty()) {
        why_not = objections.front();
        if (const Result<void> written = kept.reject(*source); !written)
          problem = written.error().message;
      }
    }
  }
  if (why_not.empty()) return on_disk();
  return StartConfig{.source = *kept.in_force(),
                     .config = *former,
                     .is_former = true,
                     .problem = not_used(why_not)};
}

LockoutGuard ConfigControl::guard(const host::HostFacts& facts, const Now& now) const {
  const engine::View view = engine_.view(now);
  return {view.protected_entries.allowances(), view.baseline.text(),
          view.datapath.why_no_syn_cookies().empty(), read_lifelines(facts)};
}

void ConfigControl::remember(const Result<void>& written) {
  memory_problem_ =
      written ? ""
              : "which configuration is in force is not remembered: " + written.error().message;
}

void ConfigControl::started(const host::HostFacts& facts, const Now& now) {
  if (kept_.pending())
    remember(kept_.begin(source_, *kept_.pending()));
  else if (!is_former_)
    remember(kept_.settle(source_));
  if (engine_.mode() == engine::Mode::off) return;
  start_problems_ =
      guard(facts, now)
          .objections(
              {.source = source_, .config = engine_.settings().config, .lists = engine_.lists()},
              nullptr, now);
}

ConfigLoad ConfigControl::load(const lists::Accepted& accepted, const Now& now) const {
  const engine::View view = engine_.view(now);
  engine::ListJob job = engine_.list_job({}, accepted, now);
  job.stop = stop_;
  return {.file = file_,
          .given = {},
          .job = std::move(job),
          .is_judged = engine_.mode() != engine::Mode::off,
          .current_source = source_,
          .current = engine_.settings().config,
          .current_lists = engine_.shared_lists(),
          .allowances = view.protected_entries.allowances(),
          .baseline = view.baseline.text(),
          .answers_syns = view.datapath.why_no_syn_cookies().empty(),
          .now = now,
          .objections = {}};
}

Deferred<Result<std::vector<std::string>>> ConfigControl::apply(const engine::ApplyOrder& order,
                                                                const Now& now) {
  ConfigLoad next = load({.all = order.accept}, now);
  if (order.force) next.is_judged = false;
  return defer<Result<std::vector<std::string>>>(
      std::move(next), [](ConfigLoad& work) { work.run(); },
      [this, order](ConfigLoad& done, const Now& then) { return put_in_force(done, order, then); });
}

Deferred<Result<Verdict>> ConfigControl::check(const Now& now) {
  return defer<Result<Verdict>>(
      load({}, now), [](ConfigLoad& work) { work.run(); },
      [](ConfigLoad& done, const Now&) -> Result<Verdict> {
        if (const auto error = done.error()) return std::unexpected(*error);
        return Verdict{.objections = std::move(done.objections),
                       .stale = std::move(done.lists->set->stale_in_words),
                       .refusals = std::move(done.lists->set->refusals)};
      });
}

Deferred<std::vector<std::string>> ConfigControl::judge_enforcing(const Now& now) {
  return defer<std::vector<std::string>>(
      load({}, now), [](ConfigLoad& work) { work.run_as_first(); },
      [](ConfigLoad& done, const Now&) { return std::move(done.objections); });
}

Result<std::vector<std::string>> ConfigControl::put_in_force(ConfigLoad& next,
                                                             const engine::ApplyOrder& order,
                                                             const Now& now) {
  const auto failed = [&](Error error) {
    engine_.journal().write(engine::EventType::reload_failed, now,
                            [&] { return engine::failure_details("config", error); });
    return std::unexpected(std::move(error));
  };
  if (auto error = next.error()) return failed(std::move(*error));
  if (!next.objections.empty())
    return failed({.kind = ErrorKind::refused,
                   .message = fmt::format("{}\nNothing was changed. To apply it all the same: "
                                          "floodwall apply --force (with --confirm 120s the "
                                          "former configuration returns by itself)",
                                          fmt::join(next.objections, "\n"))});

  // What cannot be remembered must not be tried: nobody would take it back.
  const KeptConfig before = kept_;
  std::optional<KeptConfig::Pending> pending;
  if (order.confirm_ns) {
    BootTime deadline = read_boot_time();
    deadline.ns += *order.confirm_ns;
    pending = {.former = source_,
               .deadline = deadline,
               .wall = wall_at(now, now.mono_ns + *order.confirm_ns)};
  } else if (order.by_signal) {
    pending = kept_.pending();
  }
  if (pending) {
    if (Result<void> begun = kept_.begin(*next.source, *pending); !begun) {
      kept_ = before;
      return failed(begun.error());
    }
  }
  auto changes = engine_.apply(std::move(*next.config), std::move(*next.lists), now);
  if (!changes) {
    if (pending) {
      kept_ = before;
      remember(kept_.write());
    }
    return changes;
  }
  former_lists_ = std::move(next.current_lists);
  former_ = std::exchange(source_, *next.source);
  kept_former_ = before;
  if (!pending) remember(kept_.settle(source_));
  rejected_problem_.clear();
  lists_problem_.clear();
  start_problems_.clear();
  return changes;
}

void ConfigControl::take_back(const std::string& why, const Now& now) {
  const config::Source rejected = source_;
  const auto put_back = [&]() -> Result<void> {
    Result<config::Config> config = config::parse(former_);
    if (!config) return std::unexpected(config.error());
    auto lists = engine::prepare(engine::ListSet(*former_lists_),
                                 engine_.list_job(config->lists, {}, now).limits);
    if (!lists) return std::unexpected(lists.error());
    if (auto done = engine_.apply(std::move(*config), std::move(*lists), now); !done)
      return std::unexpected(done.error());
    return {};
  };
  if (const Result<void> done = put_back(); !done) {
    rejected_problem_ = "the former configuration cannot be put in force: " + done.error().message;
    return;
  }
  source_ = former_;
  kept_ = kept_former_;  // with what waits to be confirmed
  remember(kept_.reject(rejected));
  rejected_problem_ = not_used(why);
}

ChangeQueue::Change ConfigControl::load_lists(const Now& now) {
  ConfigLoad next = load({}, now);
  next.given = source_;
  return defer<void>(
      std::move(next), [](ConfigLoad& work) { work.run(); },
      [this](ConfigLoad& done, const Now& then) { put_lists_in_force(done, then); });
}

void ConfigControl::put_lists_in_force(ConfigLoad& next, const Now& now) {
  lists_problem_.clear();
  if (const auto error = next.error())
    lists_problem_ = fmt::format("the list files on disk are not in force: {}", error->message);
  else if (!next.objections.empty())
    lists_problem_ = fmt::format(
        "the list files on disk are not in force, their former entries are: {}. If that is "
        "meant: floodwall apply --force",
        next.objections.front());
  else if (const Result<void> used = engine_.use_lists(std::move(*next.lists), now); !used)
    lists_problem_ = used.error().message;
}

Result<void> ConfigControl::confirm() {
  if (!kept_.pending())
    return fail(
        "nothing waits to be confirmed: floodwall apply --confirm 120s begins it; after that time "
        "the former configuration is back (floodwall status says so)");
  return kept_.settle(source_);
}

bool ConfigControl::is_return_due(const Now& now) const {
  return kept_.pending() && now.mono_ns >= retry_ns_ && kept_.is_due(read_boot_time());
}

std::optional<ChangeQueue::Change> ConfigControl::return_to_former(std::function<void()> done,
                                                                   const Now& now) {
  if (!is_return_due(now)) return std::nullopt;  // it was confirmed meanwhile
  ConfigLoad former = load({}, now);
  former.given = kept_.pending()->former;
  former.is_judged = false;
  return defer<void>(
      std::move(former), [](ConfigLoad& work) { work.run(); },
      [this, done = std::move(done)](ConfigLoad& next, const Now& then) {
        if (!is_return_due(then)) return;
        std::optional<Error> error = next.error();
        if (!error) {
          const auto changes = engine_.apply(std::move(*next.config), std::move(*next.lists), then);
          if (!changes) error = changes.error();
        }
        if (error) {
          retry_ns_ = then.mono_ns + kRetryNs;
          rejected_problem_ =
              "the configuration was not confirmed, but the former one cannot be put in "
              "force: " +
              error->message;
          return;
        }
        source_ = *next.given;
        remember(kept_.revert());
        rejected_problem_ = not_used(std::string(kUnconfirmed));
        done();
      });
}

std::vector<std::string> ConfigControl::problems() const {
  std::vector<std::string> problems = start_problems_;
  for (const std::string* problem : {&rejected_problem_, &lists_problem_, &memory_problem_,
                                     &engine_.published_lists().kept_problem()})
    if (!problem->empty()) problems.push_back(*problem);
  if (kept_.pending())
    problems.push_back(
        fmt::format("the configuration is not confirmed: at {} the former one returns. To keep it: "
                    "floodwall confirm",
                    format_time(kept_.pending()->wall)));
  return problems;
}

}  // namespace fw::daemon
