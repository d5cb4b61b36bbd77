// SPDX-License-Identifier: MIT
// What the API's requests meet in the daemon: each order is printed with who gave it,
// and what reads files for a caller does so beside the loop, with the rights of the caller.
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <utility>

#include "control/dispatch.hpp"
#include "daemon/change_queue.hpp"
#include "daemon/config_control.hpp"
#include "daemon/worker.hpp"
#include "engine/commands.hpp"

namespace fw::daemon {

class ApiService {
 public:
  // All are borrowed and outlive it, and it outlives the server.
  ApiService(boost::asio::io_context& context, engine::Commands& commands, ConfigControl& config,
             ChangeQueue& changes, std::filesystem::path config_file)
      : commands_(commands),
        config_(config),
        changes_(changes),
        config_file_(std::move(config_file)),
        checks_(context),
        alert_tests_(context) {}

  void serve(const control::Request& request, const control::Peer& peer,
             const control::Reply& reply);

 private:
  void check(const control::Peer& peer, const control::Reply& reply);
  void test_alerts(const control::Request& request, const control::Peer& peer,
                   const control::Reply& reply);
  void change(const control::Request& request, const control::Peer& peer,
              const control::Reply& reply);

  engine::Commands& commands_;
  ConfigControl& config_;
  ChangeQueue& changes_;
  std::filesystem::path config_file_;
  Worker checks_, alert_tests_;
};

}  // namespace fw::daemon
