// SPDX-License-Identifier: MIT
// A network namespace whose kernel is asked: one end of a veth pair and two tun devices to put
// frames on, and sockets that tell what came of them.
//
// Thread rule: the thread that opened it lives in the namespace from then on.
#pragma once

#include <functional>
#include <span>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "stack/odd_frames.hpp"

namespace fw::test {

// What reached a socket, as the kernel tells: by recvfrom(), or by the answer that it sent.
struct Heard {
  std::uint64_t number = 0;  // TCP: its lower 20 bits
  fw_u8 proto = 0;
  fw_addr source{};
  fw_u16 source_port = 0, port = 0;  // 0: ICMP
};

class RealHost {
 public:
  // Needs root: kind not_permitted without.
  [[nodiscard]] static Result<RealHost> open();

  void send(Entry entry, const Bytes& frame, fw_u16 info);
  // Everything that was heard since the last call.
  void drain(const std::function<void(const Heard&)>& sink);

 private:
  void drain_udp(const std::function<void(const Heard&)>& sink);
  void answered(std::span<const fw_u8> frame, fw_u8 link,
                const std::function<void(const Heard&)>& sink);

  UniqueFd wire_, tun_, tun_info_, udp_, tcp_;
};

}  // namespace fw::test
