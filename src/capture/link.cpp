// SPDX-License-Identifier: MIT
// The link layers of captures: https://www.tcpdump.org/linktypes.html. Each function finds where
// the network layer begins and which protocol it is. A read past the captured bytes returns 0,
// which matches no protocol.
#include "capture/link.hpp"

#include <algorithm>

#include "base/protocols.hpp"

namespace fw::capture {
namespace {

constexpr unsigned kNone = 0;                             // no EtherType
constexpr unsigned kPppIpv4 = 0x0021, kPppIpv6 = 0x0057;  // RFC 1332, RFC 5072
constexpr unsigned kPppAllStationsUi = 0xff03;            // RFC 1662: address and control

// LINKTYPE_* numbers.
enum LinkType : std::uint16_t {
  kBsdLoopback = 0,  // in the byte order of the capturing host
  kEthernet = 1,
  kPpp = 9,
  kRawIpBsd = 12,  // raw IP as FreeBSD and others number it
  kRawIpOpenBsd = 14,
  kPppHdlc = 50,
  kPppoe = 51,
  kRawIp = 101,
  kCiscoHdlc = 104,
  kWifi = 105,
  kOpenBsdLoopback = 108,  // in network byte order
  kLinuxCooked = 113,
  kWifiRadiotap = 127,
  kRawIpv4 = 228,
  kRawIpv6 = 229,
  kLinuxCooked2 = 276,
};

// A captured frame that can be read at any offset.
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
  return {at, version == 4 ? kEtherIpv4 : version == 6 ? kEtherIpv6 : kNone};
}

// PPP's protocol field is one byte long if both sides agreed on that (RFC 1661, section 6.5).
Network ppp(const Bytes& bytes, std::size_t at) {
  if (bytes.u16(at) == kPppAllStationsUi) at += 2;
  const bool is_short = (bytes.u8(at) & 1) != 0;
  const unsigned protocol = is_short ? bytes.u8(at) : bytes.u16(at);
  at += is_short ? 1 : 2;
  return {at, protocol == kPppIpv4 ? kEtherIpv4 : protocol == kPppIpv6 ? kEtherIpv6 : kNone};
}

// Skips what may follow an EtherType: VLAN tags, PPPoE, MPLS labels. The loop ends because every
// round moves forward in the frame and the zeros behind it match nothing.
Network nested(const Bytes& bytes, Network network) {
  while (true) {
    switch (network.ether_type) {
      case kEtherVlan:
      case kEtherServiceVlan:
      case kEtherOldServiceVlan:
        network = {network.at + 4, bytes.u16(network.at + 2)};
        break;
      case kEtherPppoe:
        return ppp(bytes, network.at + 6);
      case kEtherMpls:
      case kEtherMplsMulticast: {
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

// The header is the address family of the capturing system, in either byte order. AF_INET is 2
// everywhere; AF_INET6 is 10 on Linux, 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS.
Network loopback(const Bytes& bytes) {
  const unsigned family = bytes.u8(0) != 0 ? bytes.u8(0) : bytes.u8(3);
  switch (family) {
    case 2:
      return {4, kEtherIpv4};
    case 10:
    case 24:
    case 28:
    case 30:
      return {4, kEtherIpv6};
    default:
      return {};
  }
}

// Unencrypted data frames with an LLC/SNAP header (IEEE 802.11-2020, 9.2.4 and 9.3.2).
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
    case kEthernet:
      return nested(bytes, {14, bytes.u16(12)});
    case kRawIpBsd:
    case kRawIpOpenBsd:
    case kRawIp:
    case kRawIpv4:
    case kRawIpv6:
      return by_version(bytes, 0);
    case kBsdLoopback:
    case kOpenBsdLoopback:
      return loopback(bytes);
    case kPpp:
    case kPppHdlc:
      return ppp(bytes, 0);
    case kPppoe:
      return ppp(bytes, 6);
    case kCiscoHdlc:
      return nested(bytes, {4, bytes.u16(2)});
    case kWifi:
      return wifi(bytes, 0);
    case kWifiRadiotap:  // the length of the radiotap header has its least significant byte first
      return wifi(bytes, bytes.u8(2) | bytes.u8(3) << 8);
    case kLinuxCooked:
      return nested(bytes, {16, bytes.u16(14)});
    case kLinuxCooked2:
      return nested(bytes, {20, bytes.u16(0)});
    default:
      return {};
  }
}

// The rest of a record from `at`, which is inside it.
Frame frame_from(std::size_t at, std::span<const std::byte> data, std::uint32_t wire_bytes,
                 bool is_ethernet) {
  const auto captured = static_cast<std::uint32_t>(data.size() - at);
  const auto skipped = static_cast<std::uint32_t>(at);
  return {.data = data.subspan(at),
          .wire_bytes = std::max(captured, wire_bytes > skipped ? wire_bytes - skipped : 0),
          .is_ethernet = is_ethernet};
}

}  // namespace

std::optional<Frame> frame_of(std::uint16_t link_type, std::span<const std::byte> data,
                              std::uint32_t wire_bytes) {
  if (link_type == kEthernet) return frame_from(0, data, wire_bytes, true);
  return ip_frame_of(link_type, data, wire_bytes);
}

std::optional<Frame> ip_frame_of(std::uint16_t link_type, std::span<const std::byte> data,
                                 std::uint32_t wire_bytes) {
  const Network network = network_of(link_type, Bytes(data));
  if (network.ether_type != kEtherIpv4 && network.ether_type != kEtherIpv6) return std::nullopt;
  if (network.at >= data.size()) return std::nullopt;
  return frame_from(network.at, data, wire_bytes, false);
}

}  // namespace fw::capture
