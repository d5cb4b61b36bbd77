// SPDX-License-Identifier: MIT
// From a captured record to the frame that the policy judges. Ethernet frames stay whole (VLAN tags
// and all: the policy reads them); of the other link layers the head is taken off here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "policy/policy.h"

namespace fw::capture {

// The frame of a record of LINKTYPE_* `link_type`, or nothing if no IP packet can be in it: another
// protocol, an unknown link type, or cut before the IP header. The frame borrows `data`.
// Ethernet; raw IP; BSD loopback, both byte orders; PPP and Cisco HDLC; Linux cooked 1 and 2;
// 802.11, also with radiotap: data frames in the clear.
// Which way a packet went is not asked of the link layer: addresses decide that.
[[nodiscard]] std::optional<fw_frame> to_frame(std::uint16_t link_type,
                                               std::span<const std::byte> data,
                                               std::uint32_t wire_bytes);

// The same, but from the IP header on for Ethernet too.
[[nodiscard]] std::optional<fw_frame> to_ip_frame(std::uint16_t link_type,
                                                  std::span<const std::byte> data,
                                                  std::uint32_t wire_bytes);

}  // namespace fw::capture
