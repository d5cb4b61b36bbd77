// SPDX-License-Identifier: MIT
// Finds the packet in a captured record. An Ethernet frame stays whole, for the policy reads its
// VLAN tags; the header of any other link layer is removed here.
//
// Thread rule: free functions without state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace fw::capture {

struct Frame {
  std::span<const std::byte> data;  // as captured; borrowed from the record
  std::uint32_t wire_bytes = 0;     // at least data.size(), whatever the file says
  bool is_ethernet = false;  // `data` begins with the Ethernet header, else with the IP header
};

// The frame of a record of LINKTYPE_* `link_type`, or nothing if it cannot hold an IP packet:
// another protocol, an unknown link type, or cut before the IP header.
//
// Known link types: Ethernet; raw IP; BSD loopback in both byte orders; PPP and Cisco HDLC; Linux
// cooked 1 and 2; unencrypted data frames of 802.11, with or without radiotap. The direction that
// some of them record is ignored: the caller decides it by the addresses.
[[nodiscard]] std::optional<Frame> frame_of(std::uint16_t link_type,
                                            std::span<const std::byte> data,
                                            std::uint32_t wire_bytes);

// The same, but beginning with the IP header for Ethernet too.
[[nodiscard]] std::optional<Frame> ip_frame_of(std::uint16_t link_type,
                                               std::span<const std::byte> data,
                                               std::uint32_t wire_bytes);

}  // namespace fw::capture
