// SPDX-License-Identifier: MIT
// What holds the parts together once they are there: follows the machine (interfaces, addresses,
// servers, operators, files) and the operator (commands, reload, mode), and ticks the engine. What
// is started in which order is in main.cpp, what wakes it in loop.cpp. One thread.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/server.hpp"
#include "daemon/attack_capture.hpp"
#include "daemon/datapath_switch.hpp"
#include "daemon/interfaces.hpp"
#include "daemon/learned_file.hpp"
#include "daemon/log_files.hpp"
#include "engine/commands.hpp"
#include "engine/engine.hpp"
#include "host/exemptions.hpp"
#include "host/file_watch.hpp"
#include "host/network_watch.hpp"

namespace fw::daemon {

// A sentence of the daemon itself, or a line for each, on its standard error (which systemd keeps).
// Transitions go to the event log instead.
void say(std::string_view sentence);

class Daemon {
 public:
  // Borrowed, and outlive the daemon.
  struct Parts {
    std::filesystem::path config_file;
    engine::Engine& engine;
    DatapathSwitch& datapath;
    LogFiles& log;
    AttackCapture& capture;
    LearnedFile& learned;
  };
  // Opens the watches, so that no change after this is missed.
  [[nodiscard]] static Result<Daemon> open(Parts parts);

  // ---- start, in this order

  // Exempts whom this host needs. Fails if the network cannot be read, or a table is full.
  [[nodiscard]] Result<void> exempt(const Now& now);
  // Proves the conversations that stand, and learns which ports are listened on; a failure is told
  // and no error.
  void prove(const Now& now);
  // Attaches to the interfaces, where XDP cannot at all by the next best datapath; what is not
  // possible becomes a problem in `status`.
  void attach(const Now& now);

  // ---- life

  // Ten times a second.
  void tick(const Now& now);
  // When network_fd() is readable.
  void network_changed(const Now& now);
  [[nodiscard]] int network_fd() const { return network_watch_.fd(); }
  // SIGHUP: the configuration and lists on disk, if they are valid; the log is opened anew.
  void reload(const Now& now);
  // What the operator's commands need of us.
  [[nodiscard]] engine::Host host();
  // The API whose group follows the configuration from now on. Borrowed, and outlives the daemon.
  void attach_api(control::Server& api) { api_ = &api; }

 private:
  Daemon(Parts parts, host::NetworkWatch network, host::FileWatch files)
      : parts_(std::move(parts)),
        network_watch_(std::move(network)),
        file_watch_(std::move(files)) {}

  [[nodiscard]] Result<void> look_around(const Now& now);
  void follow_interfaces();
  void follow_machine(const Now& now);
  void follow_files(const Now& now);
  void follow_services(const Now& now);
  void watch_files();
  void reconfigured(const Now& now);
  void follow_api_group();
  [[nodiscard]] Result<void> switch_on(const Now& now);
  void tell_problems();

  Parts parts_;
  control::Server* api_ = nullptr;
  host::NetworkWatch network_watch_;
  host::FileWatch file_watch_;
  host::Network network_;                      // as last read
  std::vector<host::ExemptAddress> exempted_;  // as last given to the engine
  Interfaces interfaces_;
  std::set<std::filesystem::path> list_files_;
  std::set<std::filesystem::path> watched_;  // all of them, lists too
  std::uint64_t look_due_ns_ = 0, listen_due_ns_ = 0, host_due_ns_ = 0;
  std::string machine_problem_, watch_problem_, fall_back_problem_, listen_problem_,
      api_problem_;                    // empty: none
  std::vector<std::string> problems_;  // as last told
};

}  // namespace fw::daemon
