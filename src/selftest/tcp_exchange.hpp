// SPDX-License-Identifier: MIT
// The two ends of the experiment on the kernel's own TCP: a server that notes what it hears and a
// client that speaks. Neither blocks; whoever waits calls TcpServer::serve() again and again.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"

namespace fw::selftest {

inline constexpr std::string_view kGreeting = "Hellooooo from client!";

class TcpServer {
 public:
  // Listens in the network namespace of the caller.
  [[nodiscard]] static Result<TcpServer> listen(const Address& address, std::uint16_t port);

  // Takes what has arrived; waits at most `wait_ms` for it.
  void serve(int wait_ms);
  // How often the greeting was received, and how many bytes in all.
  [[nodiscard]] std::size_t greetings() const;
  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Peer {
    UniqueFd socket;
    std::string received;
    bool open = true;
  };
  UniqueFd listener_;
  std::list<Peer> peers_;
};

class TcpClient {
 public:
  // Opens a socket in the network namespace of the caller and begins to connect; Nagle's algorithm
  // is off, so that every send() is a packet of its own.
  [[nodiscard]] static Result<TcpClient> connect(const Address& from, const Address& to,
                                                 std::uint16_t port);

  [[nodiscard]] bool connected() const;
  // False if the kernel's send buffer is full.
  bool send(std::string_view text);
  // Resets the connection. Data that was not delivered yet is lost.
  void reset();

 private:
  UniqueFd socket_;
};

}  // namespace fw::selftest
