// SPDX-License-Identifier: MIT
// What the API's requests meet in the daemon: each order is logged with who gave it, those of who
// may only read are refused, and what reads files for a caller does so beside the loop, with the
// rights of the caller.
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <utility>

#include "control/dispatch.hpp"
#include "daemon/change_queue.hpp"
#include "daemon/config_control.hpp"
#include "daemon/order_log.hpp"
#include "daemon/worker.hpp"
#include "engine/commands.hpp"

namespace fw::daemon {

class ApiService {
 public:
  // All are borrowed and outlive it, and it outlives the server.
  ApiService(boost::asio::io_context& context, engine::Commands& commands, ConfigControl& config,
             ChangeQueue& changes, OrderLog& orders, std::filesystem::path config_file)
      : commands_(commands),
        config_(config),
        changes_(changes),
        orders_(orders),
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
  // `reply`, and what the order came to in the log.
  [[nodiscard]] control::Reply logged(const control::Request& request, const control::Peer& peer,
                                      const control::Reply& reply);

  engine::Commands& commands_;
  ConfigControl& config_;
  ChangeQueue& changes_;
  OrderLog& orders_;
  std::filesystem::path config_file_;
  Worker checks_, alert_tests_;
};

}  // namespace fw::daemon
