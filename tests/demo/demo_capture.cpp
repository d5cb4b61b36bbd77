// SPDX-License-Identifier: MIT
// Writes a capture to try `floodwall replay` on: demo_capture FILE [FLOOD_PACKETS_PER_SECOND
// [SECONDS [SOURCES]]]. Twenty users talk to a web server at 192.0.2.1; from the tenth second on
// 203.0.113.77 floods it with SYN, or so many random sources do.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "harness/capture.hpp"
#include "harness/wire.hpp"

namespace {

using fw::test::Bytes;
using fw::test::CaptureFile;
using fw::test::kSecond;
using fw::test::Packet;

constexpr const char* kServer = "192.0.2.1";
constexpr unsigned kUsers = 20;
constexpr std::uint64_t kMs = kSecond / 1000;

struct Frame {
  std::uint64_t at_ns = 0;
  Bytes bytes;
};

// A connection of user `n` that asks for a page at `at_ns`.
void visit(std::vector<Frame>& to, unsigned n, unsigned port, std::uint64_t at_ns) {
  const std::string user = fmt::format("198.51.100.{}", n + 1);
  const Packet there = Packet::ethernet().ipv4(user, kServer).tcp(port, 80);
  const Packet back = Packet::ethernet().ipv4(kServer, user).tcp(80, port);
  const std::uint32_t mine = 1000 * port, theirs = 7000 * port;
  const Packet talk[] = {
      there.syn().seq(mine),
      back.syn().seq(theirs).ack(mine + 1),
      there.seq(mine + 1).ack(theirs + 1),
      there.seq(mine + 1).ack(theirs + 1).payload("GET / HTTP/1.1\r\nHost: www\r\n\r\n"),
      back.seq(theirs + 1).ack(mine + 29).payload(1000),
      there.seq(mine + 29).ack(theirs + 1001),
  };
  for (std::size_t i = 0; i < std::size(talk); ++i)
    to.push_back({at_ns + i * 15 * kMs, talk[i].bytes()});
}

// Gives a SYN of source `from` to source `to`; its two checksums follow (RFC 1624). Returns `to`.
std::uint32_t change_source(Bytes& frame, std::uint32_t from, std::uint32_t to) {
  constexpr std::size_t kAddress = 26, kIpSum = 24, kTcpSum = 50;
  for (const std::size_t at : {kIpSum, kTcpSum}) {
    std::uint32_t sum = (~(frame[at] << 8 | frame[at + 1]) & 0xffff) + (~from >> 16) +
                        (~from & 0xffff) + (to >> 16) + (to & 0xffff);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    fw::test::put16(frame, at, ~sum & 0xffff);
  }
  fw::test::put32(frame, kAddress, to);
  return to;
}

// The i-th packet's source of `count`, the same in every run, in no order.
std::uint32_t source_of(std::uint64_t i, std::uint64_t count) {
  std::uint64_t x = (i + 1) * 0x9e3779b97f4a7c15ULL;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
  return 0x0b000000U + static_cast<std::uint32_t>((x ^ x >> 31) % count);
}

std::uint64_t number(const char* text, std::uint64_t otherwise) {
  std::uint64_t value = 0;
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  return error == std::errc{} && stop == end && value > 0 ? value : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') {
    (void)std::fputs("usage: demo_capture FILE [FLOOD_PACKETS_PER_SECOND [SECONDS [SOURCES]]]\n",
                     stderr);
    return 2;
  }
  const std::uint64_t pps = argc > 2 ? number(argv[2], 5000) : 5000;
  const std::uint64_t seconds = argc > 3 ? number(argv[3], 10) : 10;
  const std::uint64_t sources = argc > 4 ? number(argv[4], 1) : 1;
  std::vector<Frame> users;
  for (std::uint64_t at = 0; at < (seconds + 20) * 4; ++at)  // four visits a second
    visit(users, static_cast<unsigned>(at % kUsers), static_cast<unsigned>(20000 + at % 30000),
          at * 250 * kMs);
  std::ranges::stable_sort(users, {}, &Frame::at_ns);

  Bytes flood = Packet::ethernet().ipv4("203.0.113.77", kServer).tcp(31337, 80).syn().bytes();
  std::uint32_t source = 0xcb00714d;
  CaptureFile capture{argv[1]};
  std::size_t next = 0;
  const auto users_until = [&](std::uint64_t at_ns) {
    for (; next < users.size() && users[next].at_ns <= at_ns; ++next)
      capture.add(users[next].at_ns, users[next].bytes,
                  static_cast<std::uint32_t>(users[next].bytes.size()));
  };
  for (std::uint64_t i = 0; i < pps * seconds; ++i) {
    const std::uint64_t at_ns = 10 * kSecond + i * kSecond / pps;
    users_until(at_ns);
    if (sources > 1) source = change_source(flood, source, source_of(i, sources));
    capture.add(at_ns, flood, static_cast<std::uint32_t>(flood.size()));
  }
  users_until(UINT64_MAX);
  capture.close();
  fmt::print("{}: now run: floodwall replay {} --protect {}\n", argv[1], argv[1], kServer);
  return 0;
}
