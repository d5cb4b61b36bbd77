// SPDX-License-Identifier: MIT
// The API's server: HTTP/1.1 and JSON on a Unix socket (docs/api.md). Everything, including the
// handler, runs in the thread that runs the io_context: a slow handler delays all callers.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "control/dispatch.hpp"
#include "control/socket.hpp"

namespace boost::asio {
class io_context;  // NOLINT(readability-identifier-naming): Boost's name
}

namespace fw::control {

class Server {
 public:
  // Starts to listen. `context` must outlive the server. Fails if another daemon listens there.
  [[nodiscard]] static Result<std::unique_ptr<Server>> open(boost::asio::io_context& context,
                                                            const SocketOptions& options,
                                                            Handler handler);
  // Another group may use the socket from now on; connections that are open keep their rights.
  // After an error root alone may.
  [[nodiscard]] Result<void> set_group(const std::string& group);
  // Closes every connection and removes the socket; the handler is not called again.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  struct State;  // shared with the connections

 private:
  explicit Server(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace fw::control
