// SPDX-License-Identifier: MIT
#include "sockets.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>

#include <cstring>

#include "words.hpp"

namespace traffic {
namespace {

constexpr int kBufferBytes = 64 << 20;

void set(int fd, int level, int option, int value, std::string_view what) {
  if (setsockopt(fd, level, option, &value, sizeof value) != 0) die_errno(what);
}

}  // namespace

Endpoint Endpoint::parse(const std::string& address, std::uint16_t port) {
  Endpoint endpoint;
  if (address.find(':') != std::string::npos) {
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&endpoint.address);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    endpoint.size = sizeof *v6;
    if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) return endpoint;
  } else {
    auto* const v4 = reinterpret_cast<sockaddr_in*>(&endpoint.address);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    endpoint.size = sizeof *v4;
    if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) return endpoint;
  }
  die("no address: " + address);
}

Sources::Sources(const std::string& first, std::uint32_t count, bool within_64)
    : first_(Endpoint::parse(first, 0)), count_(count), within_64_(within_64) {
  if (count == 0) die("sources: none");
}

Endpoint Sources::at(std::uint32_t index) const {
  Endpoint endpoint = first_;
  unsigned char* const number =
      endpoint.is_v6() ? reinterpret_cast<sockaddr_in6*>(&endpoint.address)->sin6_addr.s6_addr +
                             (within_64_ ? 12 : 4)
                       : reinterpret_cast<unsigned char*>(
                             &reinterpret_cast<sockaddr_in*>(&endpoint.address)->sin_addr);
  std::uint32_t value = 0;
  std::memcpy(&value, number, sizeof value);
  value = htonl(ntohl(value) + index % count_);
  std::memcpy(number, &value, sizeof value);
  return endpoint;
}

int open_socket(bool is_v6, int kind) {
  const int fd = socket(is_v6 ? AF_INET6 : AF_INET, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die_errno("socket");
  set(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  set(fd, IPPROTO_IP, IP_FREEBIND, 1, "IP_FREEBIND");
  if (is_v6) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
  // A port is chosen when the socket connects: one port serves many sources.
  if (kind == SOCK_STREAM) set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, "bind without port");
  return fd;
}

int open_raw_socket(bool is_v6, int protocol) {
  const int kind = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const int fd = socket(is_v6 ? AF_INET6 : AF_INET, kind, protocol);
  if (fd < 0) die_errno("raw socket");
  return fd;
}

void bind_to(int fd, const Endpoint& endpoint) {
  if (bind(fd, endpoint.get(), endpoint.size) != 0) die_errno("bind");
}

void want_buffer(int fd, int bytes) {
  set(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes, "SO_RCVBUFFORCE");
}

void want_large_buffers(int fd) {
  set(fd, SOL_SOCKET, SO_RCVBUFFORCE, kBufferBytes, "SO_RCVBUFFORCE");
  set(fd, SOL_SOCKET, SO_SNDBUFFORCE, kBufferBytes, "SO_SNDBUFFORCE");
}

void want_ttl(int fd, bool is_v6, int ttl) {
  if (is_v6)
    set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl, "IPV6_UNICAST_HOPS");
  else
    set(fd, IPPROTO_IP, IP_TTL, ttl, "IP_TTL");
}

SentFrom::SentFrom(const Endpoint& source) {
  auto* const head = reinterpret_cast<cmsghdr*>(bytes);
  if (source.is_v6()) {
    in6_pktinfo info{};
    info.ipi6_addr = reinterpret_cast<const sockaddr_in6*>(&source.address)->sin6_addr;
    *head = {
        .cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
    std::memcpy(CMSG_DATA(head), &info, sizeof info);
    size = CMSG_SPACE(sizeof info);
  } else {
    in_pktinfo info{};
    info.ipi_spec_dst = reinterpret_cast<const sockaddr_in*>(&source.address)->sin_addr;
    *head = {.cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
    std::memcpy(CMSG_DATA(head), &info, sizeof info);
    size = CMSG_SPACE(sizeof info);
  }
}

int new_epoll() {
  const int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) die_errno("epoll_create1");
  return fd;
}

void watch(int epoll, int fd, std::uint32_t events, std::uint64_t data) {
  epoll_event event{.events = events, .data = {.u64 = data}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die_errno("epoll_ctl");
}

}  // namespace traffic
