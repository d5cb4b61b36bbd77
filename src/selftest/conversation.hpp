// SPDX-License-Identifier: MIT
// The two ends of the experiment on the kernel's own TCP: a server that notes what it hears and a
// client that speaks. Neither blocks; whoever waits calls Server::serve() again and again.
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

class Server {
 public:
  // Listens in the network namespace of the caller.
  [[nodiscard]] static Result<Server> listen(const Address& address, std::uint16_t port);

  // Takes what has arrived; waits at most `wait_ms` for it.
  void serve(int wait_ms);
  // How often the greeting was heard, and how many bytes of any kind.
  [[nodiscard]] std::size_t greetings() const;
  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Peer {
    UniqueFd socket;
    std::string heard;
    bool open = true;
  };
  UniqueFd listener_;
  std::list<Peer> peers_;
};

class Client {
 public:
  // Opens a socket in the network namespace of the caller and begins to connect; Nagle's algorithm
  // is off, so that every say() is a packet of its own.
  [[nodiscard]] static Result<Client> connect(const Address& from, const Address& to,
                                              std::uint16_t port);

  [[nodiscard]] bool connected() const;
  // False when the kernel takes no more.
  bool say(std::string_view text);
  // Ends the connection at once; what was not delivered yet never will be.
  void hang_up();

 private:
  UniqueFd socket_;
};

}  // namespace fw::selftest
