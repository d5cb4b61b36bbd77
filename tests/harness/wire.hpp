// SPDX-License-Identifier: MIT
// Writes numbers in network byte order.
#pragma once

#include <cstdint>

#include "harness/packet.hpp"

namespace fw::test {

inline void put16(Bytes& bytes, std::size_t at, unsigned value) {
  bytes.at(at) = static_cast<fw_u8>(value >> 8);
  bytes.at(at + 1) = static_cast<fw_u8>(value);
}

inline void put32(Bytes& bytes, std::size_t at, std::uint32_t value) {
  put16(bytes, at, value >> 16);
  put16(bytes, at + 2, value & 0xffff);
}

}  // namespace fw::test
