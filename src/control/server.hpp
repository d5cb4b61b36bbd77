// SPDX-License-Identifier: MIT
// The API's server: HTTP/1.1 and JSON on a Unix socket (docs/api.md). The service runs in the
// thread that runs the io_context: until it returns, all other callers wait. It may reply later, in
// that thread. Large requests and replies are parsed and printed in another thread.
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

// Replies with what the handler returns.
[[nodiscard]] Service at_once(Handler handler);

class Server {
 public:
  // Starts to listen. `context` must outlive the server. Fails if another daemon listens there.
  [[nodiscard]] static Result<std::unique_ptr<Server>> open(boost::asio::io_context& context,
                                                            const SocketOptions& options,
                                                            Service service);
  // Other groups may use the socket from now on; connections that are open keep their rights. After
  // an error root alone may.
  [[nodiscard]] Result<void> set_groups(const std::string& group, const std::string& read_group);
  // Why members of the group for reading cannot connect; empty: they can, or there is none.
  [[nodiscard]] const std::string& problem() const;
  // Makes the socket again if somebody deleted it. Call it now and then; connections stay open.
  [[nodiscard]] Result<void> keep_socket();
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
