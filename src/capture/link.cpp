// SPDX-License-Identifier: MIT
// Link layers of captures: https://www.tcpdump.org/linktypes.html. Each finds where the network
// layer begins and what it is; reads past the captured bytes give zeros, which match nothing.
#include "capture/link.hpp"

#include <algorithm>

namespace fw::capture {
namespace {

constexpr unsigned kIpv4 = 0x0800, kIpv6 = 0x86dd;
constexpr unsigned kVlan = 0x8100, kServiceVlan = 0x88a8, kOldServiceVlan = 0x9100;
constexpr unsigned kPppoe = 0x8864, kMpls = 0x8847, kMplsMulticast = 0x8848;
constexpr unsigned kNone = 0;

// A captured frame, safe to read anywhere.
class Bytes {
 public:
  explicit Bytes(std::span<const std::byte> data) : data_(data) {}
  [[nodiscard]] unsigned u8(std::size_t at) const {
    return at < data_.size() ? std::to_integer<unsigned>(data_[at]) : 0;
  }
  [[nodiscard]] unsigned u16(std::size_t at) const { return u8(at) << 8 | u8(at + 1); }

 private:
  std::span<const std::byte> data_;
};

struct Network {
  std::size_t at = 0;
  unsigned ether_type = kNone;
};

Network by_version(const Bytes& bytes, std::size_t at) {
  const unsigned version = bytes.u8(at) >> 4;
  return {at, version == 4 ? kIpv4 : version == 6 ? kIpv6 : kNone};
}

// PPP's protocol field, which may be one byte if both sides agreed on it (RFC 1661, 6.5).
Network ppp(const Bytes& bytes, std::size_t at) {
  if (bytes.u16(at) == 0xff03) at += 2;  // address and control
  const bool is_short = (bytes.u8(at) & 1) != 0;
  const unsigned protocol = is_short ? bytes.u8(at) : bytes.u16(at);
  at += is_short ? 1 : 2;
  return {at, protocol == 0x21 ? kIpv4 : protocol == 0x57 ? kIpv6 : kNone};
}

// Through what may be nested behind an ether type: VLAN tags, PPPoE, MPLS. Every turn goes on in
// the frame and zeros end it.
Network nested(const Bytes& bytes, Network network) {
  while (true) {
    switch (network.ether_type) {
      case kVlan:
      case kServiceVlan:
      case kOldServiceVlan:
        network = {network.at + 4, bytes.u16(network.at + 2)};
        break;
      case kPppoe:
        return ppp(bytes, network.at + 6);
      case kMpls:
      case kMplsMulticast: {
        const bool is_bottom = (bytes.u8(network.at + 2) & 1) != 0;
        if (is_bottom) return by_version(bytes, network.at + 4);
        if (bytes.u16(network.at) == 0 && bytes.u16(network.at + 2) == 0) return {};
        network.at += 4;
        break;
      }
      default:
        return network;
    }
  }
}

// The address family is that of the system which captured: AF_INET is 2 everywhere, AF_INET6 is 10
// on Linux, 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS. In either byte order.
Network loopback(const Bytes& bytes) {
  const unsigned family = bytes.u8(0) != 0 ? bytes.u8(0) : bytes.u8(3);
  switch (family) {
    case 2:
      return {4, kIpv4};
    case 10:
    case 24:
    case 28:
    case 30:
      return {4, kIpv6};
    default:
      return {};
  }
}

// IEEE 802.11-2020, 9.2.4 and 9.3.2: data frames that are not encrypted, with an LLC/SNAP head.
Network wifi(const Bytes& bytes, std::size_t at) {
  const unsigned kind = bytes.u8(at), control = bytes.u8(at + 1);
  const bool is_data = (kind >> 2 & 3) == 2, has_qos = (kind & 0x80) != 0;
  const bool has_four_addresses = (control & 3) == 3, is_encrypted = (control & 0x40) != 0;
  const bool has_ht_control = has_qos && (control & 0x80) != 0;
  if (!is_data || is_encrypted) return {};
  at += 24U + (has_four_addresses ? 6 : 0) + (has_qos ? 2 : 0) + (has_ht_control ? 4 : 0);
  if (bytes.u16(at) != 0xaaaa || bytes.u8(at + 2) != 3) return {};
  return nested(bytes, {at + 8, bytes.u16(at + 6)});
}

Network network_of(std::uint16_t link_type, const Bytes& bytes) {
  switch (link_type) {
    case 12:  // raw IP, as some systems number it
    case 14:
    case 101:  // raw IP
    case 228:  // raw IPv4
    case 229:  // raw IPv6
      return by_version(bytes, 0);
    case 0:    // BSD loopback, the host's byte order
    case 108:  // OpenBSD loopback, network byte order
      return loopback(bytes);
    case 9:   // PPP
    case 50:  // PPP in HDLC framing
      return ppp(bytes, 0);
    case 51:  // PPPoE
      return ppp(bytes, 6);
    case 104:  // Cisco HDLC
      return nested(bytes, {4, bytes.u16(2)});
    case 105:  // 802.11
      return wifi(bytes, 0);
    case 127:  // 802.11 behind a radiotap head, whose length is least significant byte first
      return wifi(bytes, bytes.u8(2) | bytes.u8(3) << 8);
    case 113:  // Linux cooked
      return nested(bytes, {16, bytes.u16(14)});
    case 276:  // Linux cooked, version 2
      return nested(bytes, {20, bytes.u16(0)});
    default:
      return {};
  }
}

constexpr std::uint16_t kLinkEthernet = 1;

// What is left of a record from `at` on, which is inside it.
fw_frame frame_from(std::size_t at, std::span<const std::byte> data, std::uint32_t wire_bytes,
                    fw_u8 link) {
  const auto captured = static_cast<std::uint32_t>(data.size() - at);
  const auto skipped = static_cast<std::uint32_t>(at);
  fw_frame frame = {};
  frame.data = reinterpret_cast<const fw_u8*>(data.data()) + at;
  frame.captured_bytes = captured;
  // Never less than what is there, whatever the file says.
  frame.wire_bytes = std::max(captured, wire_bytes > skipped ? wire_bytes - skipped : 0);
  frame.link = link;
  return frame;
}

}  // namespace

std::optional<fw_frame> to_frame(std::uint16_t link_type, std::span<const std::byte> data,
                                 std::uint32_t wire_bytes) {
  if (link_type == kLinkEthernet) return frame_from(0, data, wire_bytes, FW_LINK_ETHERNET);
  return to_ip_frame(link_type, data, wire_bytes);
}

std::optional<fw_frame> to_ip_frame(std::uint16_t link_type, std::span<const std::byte> data,
                                    std::uint32_t wire_bytes) {
  const Bytes bytes(data);
  const Network network = link_type == kLinkEthernet ? nested(bytes, {14, bytes.u16(12)})
                                                     : network_of(link_type, bytes);
  if (network.ether_type != kIpv4 && network.ether_type != kIpv6) return std::nullopt;
  if (network.at >= data.size()) return std::nullopt;
  return frame_from(network.at, data, wire_bytes, FW_LINK_IP);
}

}  // namespace fw::capture
