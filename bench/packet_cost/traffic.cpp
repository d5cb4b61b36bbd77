// SPDX-License-Identifier: MIT
#include "traffic.hpp"

namespace fw::bench {

namespace {

constexpr std::uint64_t kNetV6 = 0x2001'0db8'0000'0000;  // the sources' first 32 bits

void put16(std::vector<unsigned char>& out, std::size_t at, unsigned value) {
  out[at] = static_cast<unsigned char>(value >> 8);
  out[at + 1] = static_cast<unsigned char>(value);
}

void put_transport(std::vector<unsigned char>& frame, std::size_t at, Kind kind) {
  put16(frame, at, kSourcePort);
  put16(frame, at + 2, kPort);
  if (kind == Kind::udp) {
    put16(frame, at + 4, static_cast<unsigned>(frame.size() - at));
    return;
  }
  frame[at + 12] = 0x50;
  frame[at + 13] = kind == Kind::syn ? 0x02 : 0x10;
  put16(frame, at + 14, 64'240);
}

}  // namespace

Address server(int family) {
  return family == 4 ? Address::v4(0x0a000001) : Address{0xfd00'0000'0000'0000, 1};
}

std::vector<unsigned char> make_frame(int family, Kind kind) {
  std::vector<unsigned char> frame(family == 4 ? 64 : 74, 0);
  const auto proto = static_cast<unsigned char>(kind == Kind::udp ? 17 : 6);
  put16(frame, 12, family == 4 ? 0x0800 : 0x86dd);
  if (family == 4) {
    frame[14] = 0x45;
    put16(frame, 16, 50);
    frame[22] = 64;
    frame[23] = proto;
    frame[30] = 10, frame[33] = 1;
  } else {
    frame[14] = 0x60;
    put16(frame, 18, 20);
    frame[20] = proto;
    frame[21] = 64;
    put16(frame, 22, kNetV6 >> 48);
    put16(frame, 24, kNetV6 >> 32 & 0xffff);
    frame[37] = 1;
    server(6).to_bytes(frame.data() + 38);
  }
  put_transport(frame, family == 4 ? 34 : 54, kind);
  return frame;
}

Address Sources::at(int family, std::uint32_t index) const {
  const std::uint32_t changing = base + index * kSpread;
  return family == 4 ? Address::v4(changing) : Address{kNetV6 | changing, 1};
}

}  // namespace fw::bench
