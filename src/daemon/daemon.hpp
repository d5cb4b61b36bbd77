// SPDX-License-Identifier: MIT
// The running daemon: keeps engine and datapath in step with the machine (interfaces, addresses,
// servers, operators, files) and with the operator's commands, and ticks the engine. Calls go
// downwards only: verbs, daemon, datapath switch, engine. main.cpp has the order of the start,
// loop.cpp what wakes the daemon. One thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/server.hpp"
#include "daemon/alerts.hpp"
#include "daemon/attack_capture.hpp"
#include "daemon/change_queue.hpp"
#include "daemon/config_control.hpp"
#include "daemon/datapath_switch.hpp"
#include "daemon/interfaces.hpp"
#include "daemon/lock.hpp"
#include "daemon/log_files.hpp"
#include "daemon/order_log.hpp"
#include "daemon/pressure.hpp"
#include "daemon/removal_order.hpp"
#include "daemon/state_file.hpp"
#include "daemon/watched_files.hpp"
#include "daemon/web_page.hpp"
#include "engine/commands.hpp"
#include "engine/engine.hpp"
#include "host/exemptions.hpp"
#include "host/network_watch.hpp"

namespace fw::daemon {

// Prints a sentence of the daemon itself, or several lines, to standard error, which systemd keeps.
// Transitions go to the event log instead.
void say(std::string_view sentence);

class Daemon : public engine::ServiceControl {
 public:
  // Borrowed, and outlive the daemon.
  struct Parts {
    std::filesystem::path config_file;
    engine::Engine& engine;
    ConfigControl& config;
    ChangeQueue& changes;
    DatapathSwitch& datapath;
    LogFiles& log;
    Alerts& alerts;
    AttackCapture& capture;
    StateFile& state;
    RemovalOrder removal;
    Lock& lock;
    OrderLog& orders;
  };
  // Opens the watches, so that no change after this is missed.
  [[nodiscard]] static Result<Daemon> open(Parts parts);

  // ---- start, in this order

  // Exempts the addresses that this host needs. Fails if the network cannot be read, or a table is
  // full.
  [[nodiscard]] Result<void> exempt(const Now& now);
  // Enters established flows and listening ports into the tables. A failure is printed and is no
  // error.
  void read_sockets(const Now& now);
  // Remembers the configuration, and says what it cuts off.
  void started(const Now& now) {
    parts_.config.started(facts_, now);
    parts_.changes.follow_each_with([this] { changed_lists(); });
  }
  // Attaches to the interfaces; if XDP can attach to none of them, by packet queues. What is not
  // possible becomes a problem in `status`.
  void attach(const Now& now);

  // ---- life

  // Ten times a second.
  void tick(const Now& now);
  // How late a tick was, for the metrics.
  void was_late(std::uint64_t late_ns) { lateness_.add(late_ns); }
  // Another daemon has taken over, as somebody deleted the lock: this one must end, and leave the
  // kernel and the state file to it.
  [[nodiscard]] bool is_superseded() const { return is_superseded_; }
  // When network_fd() is readable.
  void network_changed(const Now& now);
  [[nodiscard]] int network_fd() const { return network_watch_.fd(); }
  // SIGHUP: as reload(), and opens the log files again (logrotate). An error is printed.
  void reload_on_signal();
  // The API whose group follows the configuration from now on. Borrowed, and outlives the daemon.
  void attach_api(control::Server& api) { api_ = &api; }
  // Likewise the web page, which is opened now.
  void attach_web(WebPage& web);

  // ---- for the verbs

  [[nodiscard]] std::filesystem::path config_file() const override { return parts_.config_file; }
  [[nodiscard]] Result<void> set_mode(engine::Mode mode, const Now& now) override;
  [[nodiscard]] Deferred<std::vector<std::string>> judge_enforcing(const Now& now) override {
    return parts_.config.judge_enforcing(now);
  }
  [[nodiscard]] Deferred<Result<std::vector<std::string>>> reload(const engine::ApplyOrder& order,
                                                                  const Now& now) override;
  [[nodiscard]] Result<void> confirm(const Now& now) override;
  [[nodiscard]] Deferred<Result<std::string>> test_alerts(const std::string& name) override;
  void store_baseline() override { parts_.state.hurry(); }
  [[nodiscard]] config::Source source() const override { return parts_.config.source(); }
  [[nodiscard]] Result<nlohmann::json> web(const control::Request& request) override;

 private:
  Daemon(Parts parts, host::NetworkWatch network, host::FileWatch files)
      : parts_(std::move(parts)), network_watch_(std::move(network)), files_(std::move(files)) {}

  [[nodiscard]] Result<void> read_machine(const Now& now);
  void update_interfaces();
  void update_machine(const Now& now);
  // True: `floodwalld --remove` was called, and nothing may be attached. Goes off if it is not yet.
  bool is_removed(const Now& now);
  void check_files(const Now& now);
  void load_lists();
  // Other lists are in force.
  void changed_lists();
  void return_to_former();
  [[nodiscard]] Result<std::vector<std::string>> keep_attached(const engine::ApplyOrder& order,
                                                               bool was_attached,
                                                               std::vector<std::string> changes,
                                                               const Now& now);
  void reconcile(const Now& now);
  // What the sockets tell: which ports are listened on, and what the host suffers.
  void update_listening(const Now& now);
  void update_api_group();
  // Another configuration is in force.
  void changed_config(const Now& now);
  void keep_run_folder(const Now& now);
  void report_problems();
  // Tells the alerts what `status` says, and the engine how they are.
  void update_alerts(const Now& now);

  Parts parts_;
  control::Server* api_ = nullptr;
  WebPage* web_ = nullptr;
  host::NetworkWatch network_watch_;
  WatchedFiles files_;
  bool lists_wait_ = false, return_waits_ = false;  // in parts_.changes
  host::Network network_;                           // as last read
  host::HostFacts facts_;                           // likewise
  std::vector<host::ExemptAddress> exempted_;       // as last given to the engine
  Interfaces interfaces_;
  PressureMeter pressure_;
  // load_due_ns_: of the sockets, while their load is of interest; listen_due_ns_: else.
  std::uint64_t machine_due_ns_ = 0, load_due_ns_ = 0, listen_due_ns_ = 0, host_due_ns_ = 0,
                reconcile_due_ns_ = 0, socket_due_ns_ = 0, alerts_due_ns_ = 0;
  engine::LoopFigures lateness_;
  std::string removal_problem_;  // why what --remove ordered could not be done; empty: it was
  bool is_superseded_ = false;
  std::string socket_problem_, machine_problem_, fall_back_problem_, listen_problem_, api_problem_,
      time_problem_;                   // empty: none
  std::vector<std::string> problems_;  // as last printed
};

}  // namespace fw::daemon
