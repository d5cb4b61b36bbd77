// SPDX-License-Identifier: MIT
// The frames that are judged, and their sources.
#pragma once

#include <cstdint>
#include <vector>

#include "base/address.hpp"

namespace fw::bench {

enum class Kind { udp, syn, ack };

constexpr std::uint16_t kPort = 27015;         // destination of all frames
constexpr std::uint16_t kSourcePort = 40'000;  // source of all frames

// The protected host.
[[nodiscard]] Address server(int family);

// 64 bytes (IPv6: 74). Its source is filled in by the harness.
[[nodiscard]] std::vector<unsigned char> make_frame(int family, Kind kind);

// `count` sources, a power of two; 2^32 is all of IPv4. Spread over the whole address space.
struct Sources {
  std::uint32_t base = 0;
  std::uint64_t count = 1;

  [[nodiscard]] std::uint32_t mask() const { return static_cast<std::uint32_t>(count - 1); }
  [[nodiscard]] Address at(int family, std::uint32_t index) const;
};
constexpr std::uint32_t kSpread = 2'654'435'761;  // odd: a permutation of 2^32

}  // namespace fw::bench
