// SPDX-License-Identifier: MIT
// Frames as nobody sends them: any tags, chains of headers, fragments, options and lengths around a
// question to one of a few sockets. The same seed gives the same frames.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "abi/packet.h"

namespace fw::test {

using Bytes = std::vector<fw_u8>;

// The host that is asked, and where its sockets are.
inline constexpr fw_u32 kHostV4 = 0x0a090002;  // 10.9.0.2
inline constexpr fw_u16 kUdpPort = 7000, kTcpPort = 5432, kClosedPort = 9;

// How a frame enters the host.
enum class Entry { ethernet, tun, tun_with_info };

// A TCP sequence number has the number of its packet in its upper bits: what the kernel
// acknowledges is up to a packet's length more.
inline constexpr unsigned kTcpNumberShift = 12;

// One datagram or segment, in one frame or in fragments. The number is the first 8 bytes of its
// payload (UDP, ICMP), or in its TCP sequence number.
struct OddPacket {
  Entry entry = Entry::ethernet;
  std::uint64_t number = 0;
  std::vector<Bytes> frames;  // in the order of sending; tun_with_info: behind the 4 bytes of info
  fw_u16 info = 0;            // tun_with_info: the EtherType that is claimed
  unsigned tags = 0, extensions = 0;
};

class OddFrames {
 public:
  explicit OddFrames(unsigned seed) : random_(seed) {}

  // `number` has to be another one each time.
  OddPacket next(std::uint64_t number);

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  bool one_in(unsigned n) { return below(n) == 0; }

  Bytes transport(std::uint64_t number);
  std::vector<Bytes> ip_v4(const Bytes& transport);
  std::vector<Bytes> ip_v6(const Bytes& transport, unsigned& extensions);
  void extend(Bytes& chain, unsigned& next, unsigned kind);
  Bytes link(const Bytes& ip, unsigned tags);
  void damage(Bytes& ip);

  std::mt19937_64 random_;
  bool v6_ = false;
  unsigned proto_ = 0;
  Bytes source_, destination_;  // 4 or 16 bytes
};

}  // namespace fw::test
