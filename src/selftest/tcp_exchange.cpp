// SPDX-License-Identifier: MIT
#include "selftest/tcp_exchange.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <vector>

namespace fw::selftest {

namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const Address& address, std::uint16_t port) {
  SocketAddress out;
  if (address.is_v4()) {
    auto* const in = reinterpret_cast<sockaddr_in*>(&out.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    in->sin_addr.s_addr = htonl(address.v4_number());
    out.bytes = sizeof *in;
  } else {
    auto* const in = reinterpret_cast<sockaddr_in6*>(&out.storage);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(port);
    address.to_bytes(in->sin6_addr.s6_addr);
    out.bytes = sizeof *in;
  }
  return out;
}

Result<UniqueFd> tcp_socket(const Address& address) {
  const int family = address.is_v4() ? AF_INET : AF_INET6;
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail_errno("cannot open a TCP socket", errno);
  return fd;
}

Result<void> switch_on(int fd, int level, int option) {
  const int on = 1;
  if (::setsockopt(fd, level, option, &on, sizeof on) == 0) return {};
  return fail_errno("cannot set an option of a socket", errno);
}

Result<void> bind_to(int fd, const Address& address, std::uint16_t port) {
  const SocketAddress to = socket_address(address, port);
  if (::bind(fd, to.get(), to.bytes) == 0) return {};
  return fail_errno("cannot bind to " + address.text(), errno);
}

}  // namespace

Result<TcpServer> TcpServer::listen(const Address& address, std::uint16_t port) {
  auto socket = tcp_socket(address);
  if (!socket) return std::unexpected(socket.error());
  if (auto done = switch_on(socket->get(), SOL_SOCKET, SO_REUSEADDR); !done)
    return std::unexpected(done.error());
  if (auto done = bind_to(socket->get(), address, port); !done)
    return std::unexpected(done.error());
  if (::listen(socket->get(), 16) != 0) return fail_errno("cannot listen", errno);
  TcpServer server;
  server.listener_ = std::move(*socket);
  return server;
}

void TcpServer::serve(int wait_ms) {
  std::vector<pollfd> waiting{{.fd = listener_.get(), .events = POLLIN, .revents = 0}};
  for (const Peer& peer : peers_)
    if (peer.open) waiting.push_back({.fd = peer.socket.get(), .events = POLLIN, .revents = 0});
  if (::poll(waiting.data(), waiting.size(), wait_ms) <= 0) return;
  while (true) {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd.valid()) break;
    peers_.push_back({.socket = std::move(fd), .received = {}, .open = true});
  }
  std::array<char, 4096> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): recv fills it
  for (Peer& peer : peers_) {
    ssize_t got = 0;
    while (peer.open && (got = ::recv(peer.socket.get(), buffer.data(), buffer.size(), 0)) > 0)
      peer.received.append(buffer.data(), static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) peer.open = false;
  }
}

std::size_t TcpServer::greetings() const {
  std::size_t count = 0;
  for (const Peer& peer : peers_)
    for (std::size_t at = peer.received.find(kGreeting); at != std::string::npos;
         at = peer.received.find(kGreeting, at + kGreeting.size()))
      ++count;
  return count;
}

std::size_t TcpServer::bytes() const {
  std::size_t sum = 0;
  for (const Peer& peer : peers_) sum += peer.received.size();
  return sum;
}

Result<TcpClient> TcpClient::connect(const Address& from, const Address& to, std::uint16_t port) {
  auto socket = tcp_socket(from);
  if (!socket) return std::unexpected(socket.error());
  if (auto done = switch_on(socket->get(), IPPROTO_TCP, TCP_NODELAY); !done)
    return std::unexpected(done.error());
  if (auto done = bind_to(socket->get(), from, 0); !done) return std::unexpected(done.error());
  const SocketAddress target = socket_address(to, port);
  if (::connect(socket->get(), target.get(), target.bytes) != 0 && errno != EINPROGRESS)
    return fail_errno("cannot connect to " + to.text(), errno);
  TcpClient client;
  client.socket_ = std::move(*socket);
  return client;
}

bool TcpClient::connected() const {
  pollfd waiting{.fd = socket_.get(), .events = POLLOUT, .revents = 0};
  return ::poll(&waiting, 1, 0) == 1 && (waiting.revents & (POLLERR | POLLHUP)) == 0;
}

bool TcpClient::send(std::string_view text) {
  return ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(text.size());
}

void TcpClient::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  // Should that fail, the close is an orderly one, which serves as well.
  (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket_ = UniqueFd();
}

}  // namespace fw::selftest
