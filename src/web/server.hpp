// SPDX-License-Identifier: MIT
// The server of the web page: HTTP/1.1 over TCP, with TLS where it has a certificate. It has a
// thread of its own, so that neither browsers nor handshakes delay the daemon's loop; of that it
// asks no more than what `service` is given.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "base/error.hpp"
#include "base/now.hpp"
#include "control/dispatch.hpp"
#include "web/tokens.hpp"

namespace fw::web {

struct ServerOptions {
  Endpoint listen;
  std::string certificate, key;  // PEM files; empty: no TLS
  std::vector<std::string> names;
};

class Server {
 public:
  // `service` is called in the server's thread, and must be safe there; the reply may be called in
  // any one thread, but not while the server is destroyed. `clock` must be safe there too.
  [[nodiscard]] static Result<std::unique_ptr<Server>> open(const ServerOptions& options,
                                                            Tokens tokens, control::Service service,
                                                            std::function<Now()> clock);
  // Ends the sessions.
  void set_tokens(Tokens tokens);
  // Reads the certificate again, for connections from now on. After an error the former one stays.
  [[nodiscard]] Result<void> renew_certificate();
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  struct State;

 private:
  explicit Server(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace fw::web
