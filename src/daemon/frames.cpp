// SPDX-License-Identifier: MIT
#include "daemon/frames.hpp"

#include <netinet/in.h>

#include <array>
#include <initializer_list>
#include <iterator>

namespace fw::daemon {
namespace {

constexpr unsigned kIcmp = 1, kIcmpV6 = 58;               // IANA
constexpr std::uint8_t kHops = 64, kNeighbourHops = 255;  // RFC 4861, 7.1.2

void put(Frame& frame, std::initializer_list<unsigned> bytes) {
  for (const unsigned byte : bytes) frame.push_back(static_cast<std::uint8_t>(byte));
}
void put16(Frame& frame, unsigned value) {
  put(frame, {value >> 8 & 0xff, value & 0xff});
}
void put32(Frame& frame, std::uint32_t value) {
  put16(frame, value >> 16);
  put16(frame, value & 0xffff);
}
void put_address(Frame& frame, const Address& address) {
  if (address.is_v4()) return put32(frame, address.v4_number());
  std::array<unsigned char, 16> bytes{};
  address.to_bytes(bytes.data());
  frame.insert(frame.end(), bytes.begin(), bytes.end());
}

Frame ethernet(unsigned type) {
  Frame frame;
  put(frame, {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2});
  put16(frame, type);
  return frame;
}

void put_ip(Frame& frame, const Address& from, const Address& to, unsigned proto,
            std::size_t payload_bytes, std::uint8_t hops = kHops) {
  if (from.is_v4()) {
    put(frame, {0x45, 0});
    put16(frame, static_cast<unsigned>(20 + payload_bytes));
    put(frame, {0, 1, 0x40, 0, hops, proto, 0, 0});  // one datagram, not to be fragmented
  } else {
    put32(frame, 0x6000'0000);
    put16(frame, static_cast<unsigned>(payload_bytes));
    put(frame, {proto, hops});
  }
  put_address(frame, from);
  put_address(frame, to);
}

Frame ip_frame(const Address& from, const Address& to, unsigned proto, const Frame& payload,
               std::uint8_t hops = kHops) {
  Frame frame = ethernet(from.is_v4() ? 0x0800 : 0x86dd);
  put_ip(frame, from, to, proto, payload.size(), hops);
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

Frame tcp_header(const Endpoint& from, const Endpoint& to, const Segment& segment) {
  Frame header;
  put16(header, from.port);
  put16(header, to.port);
  put32(header, segment.number);
  put32(header, segment.acknowledged);
  put(header, {0x50, segment.flags, 0xff, 0xff, 0, 0, 0, 0});
  return header;
}

Frame echo(const Address& from, const Address& to, unsigned type_v4, unsigned type_v6) {
  Frame message;
  put(message, {from.is_v4() ? type_v4 : type_v6, 0, 0, 0, 0, 7, 0, 1});
  return ip_frame(from, to, from.is_v4() ? kIcmp : kIcmpV6, message);
}

}  // namespace

Frame tcp_frame(const Endpoint& from, const Endpoint& to, const Segment& segment) {
  Frame payload = tcp_header(from, to, segment);
  payload.resize(payload.size() + segment.payload_bytes);
  return ip_frame(from.address, to.address, IPPROTO_TCP, payload);
}

Frame udp_frame(const Endpoint& from, const Endpoint& to, std::span<const std::uint8_t> payload) {
  Frame datagram;
  put16(datagram, from.port);
  put16(datagram, to.port);
  put16(datagram, static_cast<unsigned>(8 + payload.size()));
  put16(datagram, 0);
  datagram.insert(datagram.end(), payload.begin(), payload.end());
  return ip_frame(from.address, to.address, IPPROTO_UDP, datagram);
}

Frame too_big_frame(const Address& router, const Endpoint& local, const Endpoint& remote) {
  Frame message;
  if (router.is_v4())
    put(message, {3, 4, 0, 0, 0, 0, 1280 >> 8, 1280 & 0xff});  // RFC 1191
  else
    put(message, {2, 0, 0, 0, 0, 0, 1280 >> 8, 1280 & 0xff});  // RFC 4443, 3.2
  put_ip(message, local.address, remote.address, IPPROTO_TCP, 20);
  const Frame header = tcp_header(local, remote, {.flags = kAck});
  message.insert(message.end(), header.begin(), header.end());
  return ip_frame(router, local.address, router.is_v4() ? kIcmp : kIcmpV6, message);
}

Frame echo_reply_frame(const Address& from, const Address& to) {
  return echo(from, to, 0, 129);
}
Frame echo_request_frame(const Address& from, const Address& to) {
  return echo(from, to, 8, 128);
}

Frame neighbour_frame(const Address& from, const Address& to) {
  if (from.is_v4()) {
    Frame frame = ethernet(0x0806);
    put(frame, {0, 1, 8, 0, 6, 4, 0, 2});  // RFC 826: a reply
    put(frame, {2, 0, 0, 0, 0, 2});
    put_address(frame, from);
    put(frame, {2, 0, 0, 0, 0, 1});
    put_address(frame, to);
    return frame;
  }
  Frame message;
  put(message, {136, 0, 0, 0, 0x60, 0, 0, 0});
  put_address(message, from);
  put(message, {2, 1, 2, 0, 0, 0, 0, 2});
  return ip_frame(from, to, IPPROTO_ICMPV6, message, kNeighbourHops);
}

}  // namespace fw::daemon
