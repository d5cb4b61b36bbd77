// SPDX-License-Identifier: MIT
// The rules of the seed, and its view of an IP packet: the addresses, and whether there is a
// payload. The view is more lenient than policy/parse.h and stays so, because the seed's verdicts
// are a fixed point.
#include "replay/seed_profile.hpp"

#include <algorithm>
#include <optional>

#include "base/protocols.hpp"
#include "capture/link.hpp"

namespace fw::replay {
namespace {

constexpr std::size_t kIpv4Bytes = 20, kIpv6Bytes = 40;
constexpr std::int64_t kUdpBytes = 8;
constexpr std::int64_t kIcmpBytes = 4;  // as the seed's packet library has it

struct SeedPacket {
  Address source, destination;
  bool has_payload = false;  // never of a protocol other than TCP, UDP and ICMP
};

struct Bytes {
  std::span<const std::byte> data;

  [[nodiscard]] std::size_t size() const { return data.size(); }
  [[nodiscard]] unsigned u8(std::size_t at) const { return std::to_integer<unsigned>(data[at]); }
  [[nodiscard]] unsigned u16(std::size_t at) const { return u8(at) << 8 | u8(at + 1); }
  [[nodiscard]] Address address(std::size_t at) const {
    return Address::from_bytes(reinterpret_cast<const unsigned char*>(data.data()) + at);
  }
};

// `at`: where the transport header begins; `left`: bytes from there, as the IP headers say.
bool has_payload(const Bytes& bytes, std::size_t at, unsigned proto, bool is_later_fragment,
                 std::int64_t left) {
  left = std::max<std::int64_t>(left, 0);
  if (proto == kProtoIcmp || proto == kProtoIcmpv6) return left > kIcmpBytes;
  if (proto != kProtoTcp && proto != kProtoUdp) return false;
  if (is_later_fragment) return left > 0;
  if (proto == kProtoUdp) return left > kUdpBytes;
  if (bytes.size() < at + 14) return left > 0;  // the length of the TCP header was not captured
  return left > std::int64_t{bytes.u8(at + 12) >> 4} * 4;
}

std::optional<SeedPacket> read_v4(const Bytes& bytes) {
  const std::size_t header = std::size_t{bytes.u8(0) & 15} * 4;
  if (bytes.u8(0) >> 4 != 4 || header < kIpv4Bytes || bytes.size() < header) return std::nullopt;
  const std::size_t total = bytes.u16(2) != 0 ? bytes.u16(2) : bytes.size();
  const bool is_later_fragment = (bytes.u16(6) & 0x1fff) != 0;
  const std::int64_t left = static_cast<std::int64_t>(total) - static_cast<std::int64_t>(header);
  return SeedPacket{
      .source = Address::v4(bytes.u16(12) << 16 | bytes.u16(14)),
      .destination = Address::v4(bytes.u16(16) << 16 | bytes.u16(18)),
      .has_payload = has_payload(bytes, header, bytes.u8(9), is_later_fragment, left)};
}

bool is_extension(unsigned proto) {
  return proto == kProtoHopByHop || proto == kProtoRouting || proto == kProtoFragment ||
         proto == kProtoAuthentication || proto == kProtoDestinationOptions ||
         proto == kProtoMobility || proto == kProtoHip || proto == kProtoShim6;
}

std::optional<SeedPacket> read_v6(const Bytes& bytes) {
  if (bytes.size() < kIpv6Bytes || bytes.u8(0) >> 4 != 6) return std::nullopt;
  auto left =
      static_cast<std::int64_t>(bytes.u16(4) != 0 ? bytes.u16(4) : bytes.size() - kIpv6Bytes);
  unsigned proto = bytes.u8(6);
  std::size_t at = kIpv6Bytes;
  bool is_later_fragment = false;
  while (is_extension(proto) && !is_later_fragment && bytes.size() >= at + 8) {
    std::size_t size = (bytes.u8(at + 1) + std::size_t{1}) * 8;
    if (proto == kProtoFragment) {
      size = 8;
      is_later_fragment = bytes.u16(at + 2) >> 3 != 0;
    } else if (proto == kProtoAuthentication) {
      size = (bytes.u8(at + 1) + std::size_t{2}) * 4;
    }
    proto = bytes.u8(at);
    at += size;
    left -= static_cast<std::int64_t>(size);
  }
  return SeedPacket{.source = bytes.address(8),
                    .destination = bytes.address(24),
                    .has_payload = has_payload(bytes, at, proto, is_later_fragment, left)};
}

// Nothing if there is no IP packet, or if its header is cut or contradicts itself.
std::optional<SeedPacket> read_packet(const capture::Record& record) {
  const auto frame = capture::ip_frame_of(record.link_type, record.data, record.wire_bytes);
  if (!frame || frame->data.size() < kIpv4Bytes) return std::nullopt;
  const Bytes bytes{frame->data};
  return bytes.u8(0) >> 4 == 6 ? read_v6(bytes) : read_v4(bytes);
}

}  // namespace

bool SeedProfile::is_protected(const Address& address) const {
  return std::ranges::binary_search(protect_, address);
}

Outcome SeedProfile::judge(const capture::Record& record, const CaptureClock& clock) {
  Outcome outcome;
  outcome.len_bytes = record.wire_bytes;
  const std::optional<SeedPacket> packet = read_packet(record);
  if (!packet) return outcome;
  if (!is_protected(packet->destination)) {
    if (is_protected(packet->source)) outcome.reason = FW_REASON_OUTGOING;
    return outcome;
  }
  outcome.source = packet->source;
  const Prefix source{.address = packet->source, .bits = 128};
  const bool counts = packet->has_payload && !is_protected(packet->source) &&
                      lists_.allow.covering(source) == nullptr;
  outcome.reason = FW_REASON_PASS;
  if (lists_.deny.covering(source) != nullptr)
    outcome.reason = FW_REASON_DENY;
  else if (is_blocked(packet->source, counts, static_cast<std::int64_t>(record.time_ns), clock))
    outcome.reason = FW_REASON_BAN;
  outcome.drop = outcome.reason != FW_REASON_PASS;
  return outcome;
}

bool SeedProfile::is_blocked(const Address& source, bool counts, std::int64_t time_ns,
                             const CaptureClock& clock) {
  auto block = blocked_.find(source);
  if (block != blocked_.end() && time_ns - block->second > kBlockNs) {
    blocked_.erase(block);
    block = blocked_.end();
  }
  if (!counts) return block != blocked_.end();

  if (!has_interval_ || time_ns - interval_start_ns_ >= kIntervalNs) {
    counts_.clear();
    interval_start_ns_ = time_ns;
    has_interval_ = true;
  }
  const unsigned count = ++counts_[source];
  if (count <= kLimit) return block != blocked_.end();
  if (block == blocked_.end())
    timeline_.add(
        {.id = ++last_event_,
         .time = clock.now().wall,
         .type = engine::EventType::ban,
         .address = source.text(),
         .fields = {engine::Field::text("for", "60s"), engine::Field::count("packets", count),
                    engine::Field::count("limit", kLimit), engine::Field::text("window", "1s")}});
  blocked_[source] = time_ns;
  return true;
}

}  // namespace fw::replay
