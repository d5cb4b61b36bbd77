// SPDX-License-Identifier: MIT
// floodwalld: its start as a list of steps, with what is true between them. The order matters:
// every table is filled before the first packet is judged, and whatever can fail fails before that.
// What the daemon does afterwards is in daemon.cpp. datapath/xdp lets filtering continue without
// the daemon.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/version.hpp"
#include "control/server.hpp"
#include "daemon/alerts.hpp"
#include "daemon/apart.hpp"
#include "daemon/api_service.hpp"
#include "daemon/change_queue.hpp"
#include "daemon/config_control.hpp"
#include "daemon/daemon.hpp"
#include "daemon/datapath_switch.hpp"
#include "daemon/lock.hpp"
#include "daemon/log_files.hpp"
#include "daemon/loop.hpp"
#include "daemon/options.hpp"
#include "daemon/order_log.hpp"
#include "daemon/privileges.hpp"
#include "daemon/removal_order.hpp"
#include "daemon/remove.hpp"
#include "daemon/service_manager.hpp"
#include "daemon/state_file.hpp"
#include "daemon/web_page.hpp"
#include "datapath/datapath.hpp"
#include "engine/check.hpp"
#include "engine/commands.hpp"
#include "engine/engine.hpp"

namespace fw::daemon {
namespace {

// The first and the last line of the daemon's life in its log.
class LifeInLog {
 public:
  LifeInLog(engine::Journal& journal, DatapathSwitch& datapath, const StateFile& state)
      : journal_(journal) {
    journal_.write(engine::EventType::start, read_clocks(), [&] {
      return engine::EventDetails{
          "",
          {engine::Field::text("version", kVersion),
           engine::Field::count("pid", static_cast<std::uint64_t>(::getpid())),
           engine::Field::text("datapath", datapath.is_on() ? datapath.current().kind() : "off"),
           engine::Field::text("last", state.last_life())}};
    });
  }
  LifeInLog(const LifeInLog&) = delete;
  LifeInLog& operator=(const LifeInLog&) = delete;
  ~LifeInLog() {
    if (!ended_) write("the start failed");
  }
  void ends(bool filtering) {
    write(filtering ? "stopped, the filter stays" : "stopped, with the filter");
    ended_ = true;
  }
  void is_superseded() {
    write("another floodwalld has taken over");
    ended_ = true;
  }

 private:
  void write(std::string_view why) {
    journal_.write(engine::EventType::stop, read_clocks(),
                   [&] { return engine::EventDetails{"", {engine::Field::text("why", why)}}; });
  }

  engine::Journal& journal_;
  bool ended_ = false;
};

Result<void> run(const Options& options) {
  // Before there is a thread: what only the reading of SSH sessions needs is given away.
  if (Result<void> parted = part_with_rights(); !parted) return parted;
  // Signals wait until the loop runs. The files that the daemon creates are not world-readable.
  Loop loop;
  (void)::umask(0027);

  // 1. One daemon at a time: from here on no other one writes to the tables.
  Result<Lock> lock = Lock::take(options.socket.parent_path());
  if (!lock) return std::unexpected(lock.error());

  // 2. The configuration: that on disk, or the former one if that on disk cuts something off.
  const Now start = read_clocks();
  KeptConfig kept(options.state / "configuration.json");
  Result<StartConfig> chosen =
      choose_at_start(options.config, options.state / "lists", kept, start);
  if (!chosen) return std::unexpected(chosen.error());
  const config::Config config = chosen->config;

  // 3. The log and the alerts: from here on events are written to files, and told.
  LogFiles log(config.log);
  Alerts alerts(options.state / "alerts.json", config.alerts);

  // 4. What outlived the last daemon. Programs and tables: new ones, attached nowhere, or those a
  //    former daemon left, which go on judging packets meanwhile; none if the operator switched it
  //    off. A start that fails below leaves the kernel as it was.
  StateFile state(options.state / "state.db");
  const std::filesystem::path run_folder = options.socket.parent_path();
  const engine::Mode mode =
      RemovalOrder(run_folder).stands() ? engine::Mode::off : state.mode(config.mode);
  Result<DatapathSwitch> datapath =
      mode == engine::Mode::off
          ? DatapathSwitch::open_off(options.pins, run_folder, config, read_clocks())
          : DatapathSwitch::open(options.pins, run_folder, config);
  if (!datapath) return std::unexpected(datapath.error());

  // 5. The tables are filled: the baseline's budgets, the configuration, the bans and what else was
  //    believed, the addresses that this host needs, the lists, and the established flows.
  engine::Engine engine(datapath->current(), config, options.config.parent_path());
  engine.keep_lists_in(options.state / "lists");
  engine.journal().set_sink([&log, &alerts](const engine::Event& event) {
    log.write(event);
    alerts.note(event);
    // Where nobody can change it: standard error is the service manager's.
    if (OrderLog::is_part(event.type) && !log.is_in_system_journal()) say(log_message(event));
  });
  state.restore_events(engine);
  AttackCapture capture(options.state / "attacks");
  engine.set_sample_sink([&capture](const fw_sample& sample) { capture.add(sample); });
  LifeInLog life(engine.journal(), *datapath, state);
  ConfigControl config_control(engine, options.config, std::move(kept), std::move(*chosen));
  ChangeQueue changes(loop.context());
  config_control.stop_with(changes.stop_token());
  OrderLog orders(engine.journal());
  Result<Daemon> daemon = Daemon::open({.config_file = options.config,
                                        .engine = engine,
                                        .config = config_control,
                                        .changes = changes,
                                        .datapath = *datapath,
                                        .log = log,
                                        .alerts = alerts,
                                        .capture = capture,
                                        .state = state,
                                        .removal = RemovalOrder(run_folder),
                                        .lock = *lock,
                                        .orders = orders});
  if (!daemon) return std::unexpected(daemon.error());
  state.restore_baseline(engine);
  engine.begin_in(mode);
  if (Result<void> adopted = engine.adopt(start); !adopted) return adopted;
  state.restore(engine, start);
  if (Result<void> exempted = daemon->exempt(start); !exempted) return exempted;
  if (Result<void> loaded = engine.load_lists(start); !loaded) return loaded;
  daemon->read_sockets(start);

  // 6. The API. A caller waits until the loop runs.
  engine::Commands commands(engine, *daemon);
  ApiService service(loop.context(), commands, config_control, changes, orders, options.config);
  const auto api = control::Server::open(
      loop.context(),
      {.path = options.socket, .group = config.api.group, .read_group = config.api.read_group},
      [&service](const auto& request, const auto& peer, const auto& reply) {
        service.serve(request, peer, reply);
      });
  if (!api) return std::unexpected(api.error());
  daemon->attach_api(**api);
  WebPage web(
      loop.context(),
      [&service](const auto& request, const auto& peer, const auto& reply) {
        service.serve(request, peer, reply);
      },
      options.state / "web-tokens");
  daemon->attach_web(web);

  // 7. Every table is filled: the first packet is judged as all others will be. From here on
  //    filtering continues if the daemon dies.
  daemon->attach(read_clocks());
  engine.adopt_late(read_clocks());
  datapath->keep(true);
  daemon->started(read_clocks());

  // 8. The daemon runs until it is told to stop.
  ServiceManager manager = ServiceManager::from_environment();
  loop.run(*daemon, manager);
  alerts.stop();  // who waits for a test is answered; what happens from here on is only logged
  if (daemon->is_superseded()) {
    life.is_superseded();
    return fail(
        ErrorKind::refused,
        "somebody deleted the lock and another floodwalld has taken over: this one ends and "
        "leaves it everything");
  }
  engine.finish(read_clocks());
  life.ends(engine.settings().config.keep_filtering);
  state.finish(engine, read_clocks());
  if (!state.problem().empty()) say(state.problem());

  // Stopping the daemon is not stopping the filter, unless the configuration says so.
  datapath->keep(engine.settings().config.keep_filtering);
  return {};
}

Result<void> check(const Options& options) {
  const Result<std::string> message = engine::check_configuration(options.config);
  if (!message) return std::unexpected(message.error());
  fmt::print("{}\n", *message);
  return {};
}

Result<void> remove(const Options& options) {
  const Result<std::string> done = remove_everything(options);
  if (!done) return std::unexpected(done.error());
  fmt::print("{}\n", *done);
  return {};
}

Result<void> carry_out(const Options& options) {
  switch (options.task) {
    case Task::run:
      return run(options);
    case Task::check:
      return check(options);
    case Task::remove:
      return remove(options);
    case Task::print:
      fmt::print("{}", options.text);
      return {};
  }
  return {};
}

}  // namespace
}  // namespace fw::daemon

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
    if (!arguments.empty() && arguments.front() == fw::daemon::kApart)
      return fw::daemon::run_apart(std::span(arguments).subspan(1));
    const auto options = fw::daemon::parse_options(arguments);
    const fw::Result<void> done =
        options ? fw::daemon::carry_out(*options) : std::unexpected(options.error());
    if (done) return 0;
    fw::daemon::say(done.error().message);
    return static_cast<int>(done.error().kind);
  } catch (const std::exception& error) {
    fmt::print(stderr, "floodwalld: {}\n", error.what());
    return 1;
  }
}
