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

Result<std::vector<std::string>> ConfigControl::apply(const engine::ApplyOrder& order,
                                                      const host::HostFacts& facts,
                                                      const Now& now) {
  const auto failed = [&](Error error) {
    engine_.journal().write(engine::EventType::reload_failed, now,
                            [&] { return engine::failure_details("config", error); });
    return std::unexpected(std::move(error));
  };
  const Result<config::Source> source = config::read_source(file_);
  if (!source) return failed(source.error());
  Result<config::Config> config = config::parse(*source);
  if (!config) return failed(config.error());
  engine::ListSet lists = engine_.read_lists(config->lists, {.all = order.accept}, now);
  lists.refuse(engine_own(facts.network));
  if (!order.force && engine_.mode() != engine::Mode::off) {
    const Candidate current{
        .source = source_, .config = engine_.settings().config, .lists = engine_.lists()};
    const auto objections =
        guard(facts, now)
            .objections({.source = *source, .config = *config, .lists = lists}, &current, now);
    if (!objections.empty())
      return failed({.kind = ErrorKind::refused,
                     .message = fmt::format("{}\nNothing was changed. To apply it all the same: "
                                            "floodwall apply --force (with --confirm 120s the "
                                            "former configuration returns by itself)",
                                            fmt::join(objections, "\n"))});
  }

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
    if (Result<void> begun = kept_.begin(*source, *pending); !begun) {
      kept_ = before;
      return failed(begun.error());
    }
  }
  auto changes = engine_.apply(std::move(*config), std::move(lists), now);
  if (!changes) {
    if (pending) {
      kept_ = before;
      remember(kept_.write());
    }
    return changes;
  }
  former_ = std::exchange(source_, *source);
  kept_former_ = before;
  if (!pending) remember(kept_.settle(source_));
  rejected_problem_.clear();
  lists_problem_.clear();
  start_problems_.clear();
  return changes;
}

Result<void> ConfigControl::put_in_force(const config::Source& source, const Now& now) {
  Result<config::Config> config = config::parse(source);
  if (!config) return std::unexpected(config.error());
  engine::ListSet lists = engine_.read_lists(config->lists, {}, now);
  if (auto changes = engine_.apply(std::move(*config), std::move(lists), now); !changes)
    return std::unexpected(changes.error());
  return {};
}

void ConfigControl::take_back(const std::string& why, const Now& now) {
  const config::Source rejected = source_;
  if (const Result<void> done = put_in_force(former_, now); !done) {
    rejected_problem_ = "the former configuration cannot be put in force: " + done.error().message;
    return;
  }
  source_ = former_;
  kept_ = kept_former_;  // with what waits to be confirmed
  remember(kept_.reject(rejected));
  rejected_problem_ = not_used(why);
}

void ConfigControl::load_lists(const host::HostFacts& facts, const Now& now) {
  engine::ListSet lists = engine_.read_lists(engine_.settings().config.lists, {}, now);
  lists.refuse(engine_own(facts.network));
  lists_problem_.clear();
  if (engine_.mode() != engine::Mode::off) {
    const config::Config& config = engine_.settings().config;
    const Candidate current{.source = source_, .config = config, .lists = engine_.lists()};
    const auto objections =
        guard(facts, now)
            .objections({.source = source_, .config = config, .lists = lists}, &current, now);
    if (!objections.empty()) {
      lists_problem_ = fmt::format(
          "the list files on disk are not in force, their former entries are: {}. If that is "
          "meant: floodwall apply --force",
          objections.front());
      return;
    }
  }
  if (const Result<void> used = engine_.use_lists(std::move(lists), now); !used)
    lists_problem_ = used.error().message;
}

Result<void> ConfigControl::confirm() {
  if (!kept_.pending())
    return fail(
        "nothing waits to be confirmed: floodwall apply --confirm 120s begins it; after that time "
        "the former configuration is back (floodwall status says so)");
  return kept_.settle(source_);
}

bool ConfigControl::return_if_due(const Now& now) {
  if (!kept_.pending() || now.mono_ns < retry_ns_ || !kept_.is_due(read_boot_time())) return false;
  const config::Source former = kept_.pending()->former;
  if (const Result<void> done = put_in_force(former, now); !done) {
    retry_ns_ = now.mono_ns + kRetryNs;
    rejected_problem_ =
        "the configuration was not confirmed, but the former one cannot be put in "
        "force: " +
        done.error().message;
    return false;
  }
  source_ = former;
  remember(kept_.revert());
  rejected_problem_ = not_used(std::string(kUnconfirmed));
  return true;
}

std::vector<std::string> ConfigControl::problems() const {
  std::vector<std::string> problems = start_problems_;
  for (const std::string* problem : {&rejected_problem_, &lists_problem_, &memory_problem_})
    if (!problem->empty()) problems.push_back(*problem);
  if (kept_.pending())
    problems.push_back(
        fmt::format("the configuration is not confirmed: at {} the former one returns. To keep it: "
                    "floodwall confirm",
                    format_time(kept_.pending()->wall)));
  return problems;
}

}  // namespace fw::daemon
