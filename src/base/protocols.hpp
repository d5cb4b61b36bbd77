// SPDX-License-Identifier: MIT
// Numbers that packets carry: EtherTypes (IEEE 802 numbers,
// www.iana.org/assignments/ieee-802-numbers) and protocol numbers
// (www.iana.org/assignments/protocol-numbers). The policy, which is C without headers of the
// system, has its own list of those it needs.
#pragma once

#include <cstdint>

namespace fw {

inline constexpr std::uint16_t kEtherIpv4 = 0x0800;
inline constexpr std::uint16_t kEtherIpv6 = 0x86dd;
inline constexpr std::uint16_t kEtherVlan = 0x8100;            // IEEE 802.1Q
inline constexpr std::uint16_t kEtherServiceVlan = 0x88a8;     // IEEE 802.1ad
inline constexpr std::uint16_t kEtherOldServiceVlan = 0x9100;  // before 802.1ad, still in use
inline constexpr std::uint16_t kEtherMpls = 0x8847;            // RFC 5332
inline constexpr std::uint16_t kEtherMplsMulticast = 0x8848;
inline constexpr std::uint16_t kEtherPppoe = 0x8864;  // RFC 2516, session stage

inline constexpr std::uint8_t kProtoHopByHop = 0;  // RFC 8200, as are routing and fragment
inline constexpr std::uint8_t kProtoIcmp = 1;
inline constexpr std::uint8_t kProtoTcp = 6;
inline constexpr std::uint8_t kProtoUdp = 17;
inline constexpr std::uint8_t kProtoRouting = 43;
inline constexpr std::uint8_t kProtoFragment = 44;
inline constexpr std::uint8_t kProtoAuthentication = 51;  // RFC 4302
inline constexpr std::uint8_t kProtoIcmpv6 = 58;
inline constexpr std::uint8_t kProtoDestinationOptions = 60;
inline constexpr std::uint8_t kProtoMobility = 135;  // RFC 6275
inline constexpr std::uint8_t kProtoHip = 139;       // RFC 7401
inline constexpr std::uint8_t kProtoShim6 = 140;     // RFC 5533

}  // namespace fw
