// SPDX-License-Identifier: MIT
#include "daemon/daemon.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <iterator>
#include <optional>

#include "base/terminal_text.hpp"
#include "daemon/conversations.hpp"
#include "daemon/listening.hpp"
#include "daemon/watched.hpp"
#include "host/resolvers.hpp"

namespace fw::daemon {
namespace {

// How often everything is looked at that nobody reports: operators' sessions, above all.
constexpr std::uint64_t kLookEveryNs = 2 * kSecond;
// And for sockets that wait for packets: a new service is a closed port until then.
constexpr std::uint64_t kListenEveryNs = kSecond / 4;
// And at what the datapath needs of the host's own settings.
constexpr std::uint64_t kHostEveryNs = 10 * kSecond;

host::ExemptKinds kinds_of(const config::Exempt& exempt) {
  return {.own_addresses = exempt.own_addresses,
          .gateway = exempt.gateway,
          .dns = exempt.dns,
          .dhcp = exempt.dhcp,
          .operator_sessions = exempt.operator_sessions};
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
  daemon.watch_files();
  return daemon;
}

// ------------------------------------------------------------------- start

Result<void> Daemon::exempt(const Now& now) {
  return look_around(now);
}

void Daemon::prove(const Now& now) {
  if (const auto verified = prove_conversations(parts_.datapath.current(), now); !verified)
    say(fmt::format("connections that stand now must prove themselves anew: {}",
                    verified.error().message));
  follow_services(now);
}

void Daemon::attach(const Now& now) {
  if (!parts_.datapath.is_on()) return;
  follow_interfaces();
  fall_back_problem_.clear();
  if (interfaces_.inability().empty()) return;
  const Result<bool> fell = parts_.datapath.fall_back(interfaces_.inability(), parts_.engine, now);
  if (!fell) {
    fall_back_problem_ = "nor do packets get to user space: " + fell.error().message;
    return;
  }
  if (!*fell) return;
  say(parts_.datapath.notice());
  prove(now);
  follow_interfaces();
}

void Daemon::follow_interfaces() {
  interfaces_.follow(parts_.engine.settings().config.interfaces, network_,
                     parts_.datapath.current());
  parts_.engine.note_unprotected(interfaces_.unprotected());
}

// ------------------------------------------------------------------- the machine

// Reads the machine anew and exempts whom it needs now.
Result<void> Daemon::look_around(const Now& now) {
  look_due_ns_ = now.mono_ns + kLookEveryNs;
  Result<host::HostFacts> facts = host::read_facts();
  if (!facts) return std::unexpected(std::move(facts.error()));
  std::vector<host::ExemptAddress> found =
      host::exemptions(*facts, kinds_of(parts_.engine.settings().config.exempt));
  network_ = std::move(facts->network);
  if (found == exempted_) return {};

  std::vector<engine::Exemption> exemptions;
  exemptions.reserve(found.size());
  for (const host::ExemptAddress& exemption : found)
    exemptions.push_back({.address = exemption.address, .why = exemption.why});
  exempted_.clear();  // after an error the next look tries again
  if (Result<void> done = parts_.engine.set_exemptions(exemptions, now); !done) return done;
  exempted_ = std::move(found);
  return {};
}

void Daemon::follow_machine(const Now& now) {
  const Result<void> looked = look_around(now);
  machine_problem_ = looked ? "" : looked.error().message;
  attach(now);
}

void Daemon::follow_services(const Now& now) {
  listen_due_ns_ = now.mono_ns + kListenEveryNs;
  const Result<void> followed = follow_listeners(parts_.datapath.current());
  listen_problem_ =
      followed ? "" : "which ports are listened on is not known: " + followed.error().message;
}

void Daemon::network_changed(const Now& now) {
  if (!network_watch_.drain().changed) return;
  // So that the loss of an interface is noted even if it is back already.
  parts_.engine.tick(now);
  follow_machine(now);
}

void Daemon::watch_files() {
  list_files_ = watched_lists(parts_.engine.settings().config.lists, parts_.engine.folder());
  std::set<std::filesystem::path> wanted = watched_servers(host::ResolverPaths{});
  wanted.insert(list_files_.begin(), list_files_.end());
  if (wanted == watched_) return;
  watched_ = std::move(wanted);
  const Result<void> watching = file_watch_.watch({watched_.begin(), watched_.end()});
  watch_problem_ = watching ? "" : watching.error().message;
}

void Daemon::follow_files(const Now& now) {
  const std::set<std::filesystem::path> changed = file_watch_.drain();
  if (changed.empty()) return;
  if (std::ranges::any_of(changed, [&](const auto& path) { return list_files_.contains(path); })) {
    if (const Result<void> loaded = parts_.engine.load_lists(now); !loaded)
      say(loaded.error().message);  // the log has it too
    watch_files();                  // a pattern may match other files now
  }
  look_due_ns_ = now.mono_ns;
}

// ------------------------------------------------------------------- the operator

void Daemon::reload(const Now& now) {
  parts_.log.configure(parts_.engine.settings().config.log);
  const auto changes = parts_.engine.reload(parts_.config_file, now);
  if (!changes) {
    say(fmt::format("the old configuration stays in force: {}", changes.error().message));
    return;
  }
  reconfigured(now);
}

void Daemon::reconfigured(const Now& now) {
  parts_.log.configure(parts_.engine.settings().config.log);
  follow_api_group();
  watch_files();
  follow_machine(now);
}

// Also when its name is the same: the group may have been made or numbered anew since.
void Daemon::follow_api_group() {
  if (api_ == nullptr) return;
  const Result<void> set = api_->set_group(parts_.engine.settings().config.api.group);
  api_problem_ = set ? "" : "only root may use the API: " + set.error().message;
}

Result<void> Daemon::switch_on(const Now& now) {
  if (Result<void> on = parts_.datapath.on(parts_.engine, now); !on) return on;
  parts_.datapath.keep(true);
  prove(now);
  follow_machine(now);
  return {};
}

engine::Host Daemon::host() {
  return {.config_file = parts_.config_file,
          .detach_all =
              [this](const Now& now) {
                interfaces_ = {};
                parts_.engine.note_unprotected({});
                return parts_.datapath.off(parts_.engine, now);
              },
          .attach_all = [this](const Now& now) { return switch_on(now); },
          .reconfigured = [this](const Now& now) { reconfigured(now); },
          .keep_learned = [this] { parts_.learned.keep(parts_.engine); }};
}

// ------------------------------------------------------------------- ticking

void Daemon::tick(const Now& now) {
  parts_.engine.tick(now);
  parts_.capture.follow(parts_.engine.detector(), parts_.engine.settings().config.detect.capture,
                        now);
  parts_.learned.tick(parts_.engine, now);
  follow_files(now);
  if (now.mono_ns >= look_due_ns_) follow_machine(now);
  if (now.mono_ns >= listen_due_ns_) follow_services(now);
  if (now.mono_ns >= host_due_ns_) {
    host_due_ns_ = now.mono_ns + kHostEveryNs;
    parts_.datapath.current().follow_host();
  }
  tell_problems();
}

void Daemon::tell_problems() {
  std::vector<std::string> problems = interfaces_.problems();
  for (const std::string* problem : std::initializer_list<const std::string*>{
           &machine_problem_, &watch_problem_, &fall_back_problem_, &listen_problem_, &api_problem_,
           &parts_.capture.problem(), &parts_.learned.problem()})
    if (!problem->empty()) problems.push_back(*problem);
  if (auto unwritten = parts_.log.problem()) problems.push_back(std::move(*unwritten));
  for (const std::string& problem : problems)
    if (std::ranges::find(problems_, problem) == problems_.end()) say(problem);
  problems_ = problems;
  parts_.engine.note_host_problems(std::move(problems));
}

}  // namespace fw::daemon
