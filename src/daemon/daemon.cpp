// SPDX-License-Identifier: MIT
#include "daemon/daemon.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/clock.hpp"
#include "base/terminal_text.hpp"
#include "daemon/sockets.hpp"
#include "datapath/datapath.hpp"
#include "datapath/xdp/attached.hpp"
#include "host/file_watch.hpp"
#include "host/pressure.hpp"
#include "host/protocols.hpp"
#include "host/sockets.hpp"
#include "host/time_namespace.hpp"

namespace fw::daemon {
namespace {

// How often the daemon reads what the kernel does not report. All are judgement.
constexpr std::uint64_t kMachineEveryNs = 2 * kSecond;  // operators' sessions, above all
// Listening sockets: until they are read, the port of a new service is not served.
constexpr std::uint64_t kListenEveryNs = kSecond / 4;
constexpr std::uint64_t kLoadEveryNs = kSecond / 20;  // at every tick
constexpr std::uint64_t kReconcileEveryNs = kSecond;
constexpr std::uint64_t kAlertsEveryNs = kSecond;
constexpr std::uint64_t kSocketEveryNs = kSecond;     // whether somebody deleted /run/floodwall
constexpr std::uint64_t kHostEveryNs = 10 * kSecond;  // host settings that the datapath depends on

bool is_attached(const datapath::Datapath& datapath) {
  return std::ranges::any_of(datapath.interfaces(), [](const auto& status) {
    return status.attachment != datapath::Attachment::none;
  });
}

}  // namespace

void say(std::string_view sentence) {
  while (!sentence.empty()) {
    const std::string_view line = sentence.substr(0, sentence.find('\n'));
    sentence.remove_prefix(std::min(line.size() + 1, sentence.size()));
    fmt::print(stderr, "floodwalld: {}\n", printable(line));
  }
}

Result<Daemon> Daemon::open(Parts parts) {
  auto network = host::NetworkWatch::open();
  if (!network) return std::unexpected(std::move(network.error()));
  auto files = host::FileWatch::open();
  if (!files) return std::unexpected(std::move(files.error()));
  Daemon daemon(std::move(parts), std::move(*network), std::move(*files));
  daemon.files_.watch(daemon.parts_.engine.settings().config.lists, daemon.parts_.engine.folder());
  daemon.time_problem_ = host::time_namespace_problem();
  return daemon;
}

// ------------------------------------------------------------------- start

Result<void> Daemon::exempt(const Now& now) {
  return read_machine(now);
}

void Daemon::read_sockets(const Now& now) {
  if (const auto done = establish_flows(parts_.datapath.current(), now); !done)
    say(fmt::format("connections that stand now must prove themselves anew: {}",
                    done.error().message));
  update_listening(now);
}

void Daemon::attach(const Now& now) {
  if (is_removed(now) || !parts_.datapath.is_on()) return;
  update_interfaces();
  fall_back_problem_.clear();
  if (interfaces_.inability().empty()) return;
  const Result<bool> fell = parts_.datapath.fall_back(interfaces_.inability(), parts_.engine, now);
  if (!fell) {
    fall_back_problem_ = "nor do packets get to user space: " + fell.error().message;
    return;
  }
  if (!*fell) return;
  read_sockets(now);
  update_interfaces();
}

void Daemon::update_interfaces() {
  interfaces_.update(parts_.engine.settings().config.interfaces, network_,
                     parts_.datapath.current());
  parts_.engine.set_unprotected(interfaces_.unprotected());
}

// ------------------------------------------------------------------- the machine

// Reads the machine's addresses, routes and sessions, and exempts what it needs now.
Result<void> Daemon::read_machine(const Now& now) {
  machine_due_ns_ = now.mono_ns + kMachineEveryNs;
  Result<host::HostFacts> facts = host::read_facts();
  if (!facts) return std::unexpected(std::move(facts.error()));
  std::vector<host::ExemptAddress> found =
      host::exemptions(*facts, kinds_of(parts_.engine.settings().config.exempt));
  network_ = facts->network;
  facts_ = std::move(*facts);
  if (Result<void> done = parts_.engine.set_own(engine_own(network_), now); !done) return done;
  if (found == exempted_) return {};

  const std::vector<engine::Exemption> exemptions = engine_exemptions(found);
  exempted_.clear();  // after an error the next call tries again
  if (Result<void> done = parts_.engine.set_exemptions(exemptions, now); !done) return done;
  exempted_ = std::move(found);
  return {};
}

bool Daemon::is_removed(const Now& now) {
  if (!parts_.removal.stands()) return false;
  if (parts_.engine.mode() == engine::Mode::off && removal_problem_.empty()) return true;
  const Result<void> off = set_mode(engine::Mode::off, now);
  removal_problem_ = off ? "" : "floodwalld --remove was called: " + off.error().message;
  if (off)
    say("floodwalld --remove was called: off, until floodwall mode enforce switches on again");
  return true;
}

void Daemon::update_machine(const Now& now) {
  const Result<void> done = read_machine(now);
  machine_problem_ = done ? host::reader_problem() : done.error().message;
  attach(now);
}

void Daemon::update_listening(const Now& now) {
  const auto began = std::chrono::steady_clock::now();
  const auto sockets = host::listeners();
  listen_problem_ =
      sockets ? "" : "which ports are listened on is not known: " + sockets.error().message;
  if (sockets) {
    mark_listening(parts_.datapath.current().tables().served, *sockets,
                   host::taken_protocols(network_));
    std::vector<std::string> names;
    for (const datapath::InterfaceStatus& each : parts_.datapath.current().interfaces())
      names.push_back(each.name);
    parts_.engine.set_load(pressure_.measure(*sockets, host::read_pressure(names), now), now);
  }
  const std::uint64_t pause_ns = PressureMeter::pause_ns(std::chrono::steady_clock::now() - began);
  load_due_ns_ = now.mono_ns + std::max(kLoadEveryNs, pause_ns);
  listen_due_ns_ = now.mono_ns + std::max(kListenEveryNs, pause_ns);
}

void Daemon::network_changed(const Now& now) {
  if (!network_watch_.drain().changed) return;
  // The loss of an interface is logged even if the interface is back already.
  if (!is_removed(now)) parts_.engine.reconcile(now);
  parts_.engine.tick(now);
  update_machine(now);
}

// Changes while lists wait to be read are of the same reading; those while they are read, of
// another one.
void Daemon::load_lists() {
  if (std::exchange(lists_wait_, true)) return;
  parts_.changes.add([this](const Now& now) {
    lists_wait_ = false;
    return std::optional(parts_.config.load_lists(now));
  });
}

// After every change: also allow and unallow edit list files, and a version that is not kept would
// be taken for a loss of entries when the watch reads the file again.
void Daemon::changed_lists() {
  // A pattern may match other files now.
  files_.watch(parts_.engine.settings().config.lists, parts_.engine.folder());
  engine::PublishedLists& lists = parts_.engine.published_lists();
  auto rest = std::make_shared<engine::PublishedLists::Rest>(lists.take_rest());
  auto problem = std::make_shared<std::string>();
  parts_.changes.aside(
      [rest, problem, kept = lists.kept()] {
        *problem = engine::keep_versions(kept, rest->versions);
        *rest = {};  // here, as it may be gigabytes
      },
      [&lists, problem] { lists.set_kept_problem(*problem); });
}

void Daemon::check_files(const Now& now) {
  const WatchedFiles::Changes changes = files_.changes();
  if (!changes.any) return;
  if (changes.lists) load_lists();
  machine_due_ns_ = now.mono_ns;
}

// ------------------------------------------------------------------- the operator

void Daemon::reload_on_signal() {
  parts_.log.configure(parts_.engine.settings().config.log);
  parts_.changes.add([this](const Now& then) {
    auto change = reload({.by_signal = true}, then);
    return std::optional(ChangeQueue::Change{
        .work = std::move(change.work),
        .finish = [finish = std::move(change.finish)](const Now& last) {
          if (const auto changes = finish(last); !changes)
            say(fmt::format("the old configuration stays in force: {}", changes.error().message));
        }});
  });
}

Deferred<Result<std::vector<std::string>>> Daemon::reload(const engine::ApplyOrder& order,
                                                          const Now& now) {
  auto apply = parts_.config.apply(order, now);
  return {.work = std::move(apply.work),
          .finish = [this, order, finish = std::move(apply.finish)](const Now& then) {
            const bool was_attached = is_attached(parts_.datapath.current());
            auto changes = finish(then);
            return changes ? keep_attached(order, was_attached, std::move(*changes), then)
                           : changes;
          }};
}

// A configuration with which nothing is attached any more is taken back.
Result<std::vector<std::string>> Daemon::keep_attached(const engine::ApplyOrder& order,
                                                       bool was_attached,
                                                       std::vector<std::string> changes,
                                                       const Now& now) {
  changed_config(now);
  if (order.force || !was_attached || is_attached(parts_.datapath.current())) return changes;
  const std::string why = interfaces_.problems().empty() ? "nothing is attached with it"
                                                         : interfaces_.problems().front();
  parts_.config.take_back(why, now);
  changed_config(now);
  return fail(ErrorKind::refused,
              fmt::format("nothing would be protected: {}. The former configuration is in force "
                          "again; to apply it all the same: floodwall apply --force",
                          why));
}

Result<void> Daemon::confirm(const Now&) {
  Result<void> done = parts_.config.confirm();
  report_problems();  // who asks next is told so
  return done;
}

void Daemon::changed_config(const Now& now) {
  const config::Config& config = parts_.engine.settings().config;
  parts_.log.configure(config.log);
  parts_.alerts.configure(config.alerts);
  update_api_group();
  if (web_ != nullptr) web_->configure(config.web);
  update_machine(now);
  report_problems();
}

void Daemon::attach_web(WebPage& web) {
  web_ = &web;
  web_->configure(parts_.engine.settings().config.web);
}

Result<nlohmann::json> Daemon::web(const control::Request& request) {
  if (web_ == nullptr) return fail("the daemon is starting: try again");
  return web_->order(request);
}

// Also when its name is the same: the group may have been recreated with another number since.
void Daemon::update_api_group() {
  if (api_ == nullptr) return;
  const config::Api& api = parts_.engine.settings().config.api;
  const Result<void> set = api_->set_groups(api.group, api.read_group);
  api_problem_ = set ? "" : "only root may use the API: " + set.error().message;
}

void Daemon::keep_run_folder(const Now& now) {
  if (api_ == nullptr || now.mono_ns < socket_due_ns_) return;
  socket_due_ns_ = now.mono_ns + kSocketEveryNs;
  const Result<bool> locked = parts_.lock.keep();
  is_superseded_ = locked && !*locked;
  if (is_superseded_) return;
  const Result<void> kept = api_->keep_socket();
  socket_problem_ = kept ? "" : "nobody can ask this daemon: " + kept.error().message;
  if (kept && !locked)
    socket_problem_ = "a second floodwalld could start: " + locked.error().message;
}

Result<void> Daemon::set_mode(engine::Mode mode, const Now& now) {
  engine::Engine& engine = parts_.engine;
  parts_.state.hurry();
  if (mode == engine::Mode::off) {
    interfaces_ = {};
    engine.set_unprotected({});
    if (Result<void> off = parts_.datapath.off(engine, now); !off) return off;
    // What is said to be off is looked at again: pins may have been hidden.
    const Result<bool> rest = datapath::xdp::detach_all();
    // It takes root to ask the kernel whose program of unknown origin is.
    const bool unknown = !rest && rest.error().kind == ErrorKind::not_permitted;
    if (!rest && !unknown) return std::unexpected(rest.error());
    // Set again after an error of an earlier attempt.
    if (Result<void> set = engine.set_mode(engine::Mode::off, now); !set || !unknown) return set;
    return fail(ErrorKind::not_permitted,
                fmt::format("off, and what this daemon attached is gone. But there is a program "
                            "whose origin its user may not ask for ({}): sudo floodwalld --remove "
                            "takes it off if it is Floodwall's",
                            rest.error().message));
  }
  if (Result<void> withdrawn = parts_.removal.withdraw(); !withdrawn) return withdrawn;
  if (parts_.datapath.is_on()) return engine.set_mode(mode, now);
  if (Result<void> on = parts_.datapath.on(engine, mode, now); !on) return on;
  parts_.datapath.keep(true);
  read_sockets(now);
  update_machine(now);
  return {};
}

// ------------------------------------------------------------------- ticking

void Daemon::tick(const Now& now) {
  keep_run_folder(now);
  if (is_superseded_) return;
  (void)is_removed(now);
  if (now.mono_ns >= (parts_.engine.wants_load(now) ? load_due_ns_ : listen_due_ns_))
    update_listening(now);
  parts_.engine.tick(now);
  parts_.orders.summarise(now);
  parts_.capture.update(parts_.engine.detector(), parts_.engine.settings().config.detect.capture,
                        now);
  parts_.state.tick(parts_.engine, now);
  check_files(now);
  if (web_ != nullptr) web_->tick(now);
  if (parts_.engine.published_lists().take_wish()) load_lists();
  if (parts_.config.is_return_due(now)) return_to_former();
  if (now.mono_ns >= reconcile_due_ns_) reconcile(now);
  if (now.mono_ns >= machine_due_ns_) update_machine(now);
  if (now.mono_ns >= host_due_ns_) {
    host_due_ns_ = now.mono_ns + kHostEveryNs;
    parts_.datapath.current().recheck_host();
  }
  report_problems();
  if (now.mono_ns >= alerts_due_ns_) update_alerts(now);
}

void Daemon::update_alerts(const Now& now) {
  alerts_due_ns_ = now.mono_ns + kAlertsEveryNs;
  engine::HostFigures figures{.loop = lateness_, .alerts = {}};
  for (Alerts::State& state : parts_.alerts.states())
    figures.alerts.push_back({.name = std::move(state.name),
                              .waiting = state.waiting,
                              .delivered = state.delivered,
                              .failures = state.failures,
                              .dropped = state.dropped});
  parts_.engine.set_figures(std::move(figures));
  // That an alert cannot be delivered is not told by alerts.
  const std::vector<std::string> own = parts_.alerts.problems();
  const engine::ListSet& lists = parts_.engine.lists();
  const auto is_in = [](const std::vector<std::string>& all, const std::string& one) {
    return std::ranges::find(all, one) != all.end();
  };
  std::vector<alert::ProblemWatch::Seen> seen;
  for (std::string& problem : parts_.engine.problems(now)) {
    if (is_in(own, problem)) continue;
    const bool of_lists = is_in(lists.problems, problem) || is_in(lists.refusals, problem) ||
                          problem == parts_.config.lists_problem();
    seen.push_back({std::move(problem), of_lists});
  }
  parts_.alerts.note_problems(std::move(seen));
}

Deferred<Result<std::string>> Daemon::test_alerts(const std::string& name) {
  auto answer = std::make_shared<std::future<Alerts::Answer>>(parts_.alerts.test(name));
  return {.work = [answer] { answer->wait(); },
          .finish = [answer](const Now&) { return answer->get(); }};
}

void Daemon::return_to_former() {
  if (std::exchange(return_waits_, true)) return;
  parts_.changes.add([this](const Now& now) {
    return_waits_ = false;
    return parts_.config.return_to_former([this] { changed_config(read_clocks()); }, now);
  });
}

// What is attached and published is looked at again. Interfaces that have problems are attached
// again at once.
void Daemon::reconcile(const Now& now) {
  reconcile_due_ns_ = now.mono_ns + kReconcileEveryNs;
  if (is_removed(now) || !parts_.datapath.is_on()) return;
  parts_.engine.reconcile(now);
  if (parts_.datapath.return_to_xdp(parts_.engine, now)) {
    say("XDP works again, and judges packets instead of user space");
    read_sockets(now);
  }
  attach(now);
}

void Daemon::report_problems() {
  std::vector<std::string> problems = interfaces_.problems();
  std::ranges::copy(parts_.config.problems(), std::back_inserter(problems));
  for (const std::string* problem : std::initializer_list<const std::string*>{
           &removal_problem_, &socket_problem_, &machine_problem_, &files_.problem(),
           &fall_back_problem_, &listen_problem_, &api_problem_, &time_problem_,
           &parts_.datapath.problem(), &parts_.capture.problem(), &parts_.state.problem()})
    if (!problem->empty()) problems.push_back(*problem);
  if (api_ != nullptr && !api_->problem().empty()) problems.push_back(api_->problem());
  std::ranges::copy(parts_.alerts.problems(), std::back_inserter(problems));
  if (web_ != nullptr && !web_->problem().empty()) problems.push_back(web_->problem());
  if (auto unwritten = parts_.log.problem()) problems.push_back(std::move(*unwritten));
  for (const std::string& problem : problems)
    if (std::ranges::find(problems_, problem) == problems_.end()) say(problem);
  problems_ = problems;
  parts_.engine.set_host_problems(std::move(problems));
}

}  // namespace fw::daemon
