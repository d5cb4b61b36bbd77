// SPDX-License-Identifier: MIT
// A frame of a capture in the form that the policy takes.
//
// Thread rule: a free function without state.
#pragma once

#include "capture/link.hpp"
#include "policy/policy.h"

namespace fw::replay {

// Borrows the bytes of `frame`.
[[nodiscard]] inline fw_frame policy_frame(const capture::Frame& frame) {
  fw_frame out = {};
  out.data = reinterpret_cast<const fw_u8*>(frame.data.data());
  out.captured_bytes = static_cast<fw_u32>(frame.data.size());
  out.wire_bytes = frame.wire_bytes;
  out.link = frame.is_ethernet ? FW_LINK_ETHERNET : FW_LINK_IP;
  return out;
}

}  // namespace fw::replay
