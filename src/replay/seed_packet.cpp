// SPDX-License-Identifier: MIT
#include "replay/seed_packet.hpp"

#include <algorithm>
#include <cstdint>

namespace fw::replay {
namespace {

constexpr unsigned kTcp = 6, kUdp = 17, kIcmp = 1, kIcmpv6 = 58;

struct Bytes {
  const fw_u8* data;
  std::size_t size;

  [[nodiscard]] unsigned u8(std::size_t at) const { return data[at]; }
  [[nodiscard]] unsigned u16(std::size_t at) const {
    return unsigned{data[at]} << 8 | data[at + 1];
  }
};

// `left`: bytes behind the IP headers, as those say; `at`: where they begin.
bool has_payload(const Bytes& bytes, std::size_t at, unsigned proto, bool is_later_fragment,
                 std::int64_t left) {
  left = std::max<std::int64_t>(left, 0);
  if (proto == kIcmp || proto == kIcmpv6) return left > 4;
  if (proto != kTcp && proto != kUdp) return false;
  if (is_later_fragment) return left > 0;
  if (proto == kUdp) return left > 8;
  if (bytes.size < at + 14) return left > 0;
  return left > std::int64_t{bytes.u8(at + 12) >> 4} * 4;
}

std::optional<SeedPacket> read_v4(const Bytes& bytes) {
  const std::size_t header = std::size_t{bytes.u8(0) & 15} * 4;
  if (bytes.u8(0) >> 4 != 4 || header < 20 || bytes.size < header) return std::nullopt;
  const std::size_t total = bytes.u16(2) != 0 ? bytes.u16(2) : bytes.size;
  const bool is_later_fragment = (bytes.u16(6) & 0x1fff) != 0;
  const std::int64_t left = static_cast<std::int64_t>(total) - static_cast<std::int64_t>(header);
  return SeedPacket{
      .source = Address::v4(bytes.u16(12) << 16 | bytes.u16(14)),
      .destination = Address::v4(bytes.u16(16) << 16 | bytes.u16(18)),
      .has_payload = has_payload(bytes, header, bytes.u8(9), is_later_fragment, left)};
}

bool is_extension(unsigned proto) {
  return proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 60 || proto == 135 ||
         proto == 139 || proto == 140;
}

std::optional<SeedPacket> read_v6(const Bytes& bytes) {
  if (bytes.size < 40 || bytes.u8(0) >> 4 != 6) return std::nullopt;
  auto left = static_cast<std::int64_t>(bytes.u16(4) != 0 ? bytes.u16(4) : bytes.size - 40);
  unsigned proto = bytes.u8(6);
  std::size_t at = 40;
  bool is_later_fragment = false;
  while (is_extension(proto) && !is_later_fragment && bytes.size >= at + 8) {
    std::size_t size = (bytes.u8(at + 1) + std::size_t{1}) * 8;
    if (proto == 44) {
      size = 8;
      is_later_fragment = bytes.u16(at + 2) >> 3 != 0;
    } else if (proto == 51) {
      size = (bytes.u8(at + 1) + std::size_t{2}) * 4;
    }
    proto = bytes.u8(at);
    at += size;
    left -= static_cast<std::int64_t>(size);
  }
  return SeedPacket{.source = Address::from_bytes(bytes.data + 8),
                    .destination = Address::from_bytes(bytes.data + 24),
                    .has_payload = has_payload(bytes, at, proto, is_later_fragment, left)};
}

}  // namespace

std::optional<SeedPacket> seed_packet(const fw_frame& frame) {
  const Bytes bytes{frame.data, frame.captured_bytes};
  if (bytes.size < 20) return std::nullopt;
  return bytes.u8(0) >> 4 == 6 ? read_v6(bytes) : read_v4(bytes);
}

}  // namespace fw::replay
