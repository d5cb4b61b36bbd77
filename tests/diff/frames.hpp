// SPDX-License-Identifier: MIT
// Random frames of few hosts, ports and sequence numbers, so that they form flows, tables overflow
// and limits are exceeded; with every encapsulation, cut anywhere, with bits flipped.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "harness/packet.hpp"

namespace fw::test {

class Frames {
 public:
  explicit Frames(unsigned seed);

  // The next frame that arrives at this host, or that it sends.
  [[nodiscard]] const Bytes& arriving() { return next(arriving_); }
  [[nodiscard]] const Bytes& leaving() { return next(leaving_); }

  // The address of a random remote host of these frames.
  [[nodiscard]] std::string peer(bool v6);

 private:
  struct Template {
    Bytes bytes;
    std::size_t peer_at = 0;  // where the last two bytes of the remote address are; 0: nowhere
    bool is_v6 = false;
  };
  [[nodiscard]] Template make(bool leaving);
  [[nodiscard]] Packet link();
  [[nodiscard]] Packet network(bool leaving, bool v6);
  [[nodiscard]] Packet error(const Packet& ip);
  [[nodiscard]] Packet proof(const Packet& ip, bool leaving);
  [[nodiscard]] Packet transport(const Packet& ip, bool leaving);
  [[nodiscard]] const Bytes& next(const std::vector<Template>& from);
  [[nodiscard]] unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

  std::mt19937 random_;
  std::vector<Template> arriving_, leaving_;
  Bytes frame_;
};

}  // namespace fw::test
