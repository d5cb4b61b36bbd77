// SPDX-License-Identifier: MIT
// Addresses and sockets of either family. Whatever fails ends the program.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace traffic {

struct Endpoint {
  sockaddr_storage address{};
  socklen_t size = 0;

  [[nodiscard]] static Endpoint parse(const std::string& address, std::uint16_t port);
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
  [[nodiscard]] bool is_v6() const { return address.ss_family == AF_INET6; }
};

// Many source addresses from a first one on: the next IPv4 address, or the next /64, or (within_64)
// the next address of one /64.
class Sources {
 public:
  Sources(const std::string& first, std::uint32_t count, bool within_64 = false);
  [[nodiscard]] std::uint32_t count() const { return count_; }
  [[nodiscard]] Endpoint at(std::uint32_t index) const;  // wraps around; port 0

 private:
  Endpoint first_;
  std::uint32_t count_;
  bool within_64_;
};

// Non-blocking; may have addresses that only a route says are this machine's.
[[nodiscard]] int open_socket(bool is_v6, int kind);
// Of another protocol than TCP and UDP; what comes begins with the IPv4 header.
[[nodiscard]] int open_raw_socket(bool is_v6, int protocol);
void bind_to(int fd, const Endpoint& endpoint);
void want_large_buffers(int fd);
void want_buffer(int fd, int bytes);  // for what it receives

// The control message of a datagram that is to be sent from an address (its port does not count).
struct SentFrom {
  explicit SentFrom(const Endpoint& source);
  alignas(cmsghdr) unsigned char bytes[64]{};
  std::size_t size = 0;
};

void want_ttl(int fd, bool is_v6, int ttl);

[[nodiscard]] int new_epoll();
void watch(int epoll, int fd, std::uint32_t events, std::uint64_t data);

}  // namespace traffic
