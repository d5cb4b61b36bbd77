// SPDX-License-Identifier: MIT
// The verdict on one packet of a capture: the policy's reasons, and one more for packets that are
// neither to nor from a protected address.
//
// Thread rule: values and a free function without state.
#pragma once

#include <cstdint>
#include <string>

#include "abi/vocabulary.h"
#include "base/address.hpp"

namespace fw::replay {

inline constexpr unsigned kNotOurs = FW_REASON_COUNT;
inline constexpr unsigned kOutcomes = FW_REASON_COUNT + 1;

struct Outcome {
  bool drop = false;
  std::uint8_t reason = kNotOurs;  // enum fw_reason, or kNotOurs
  std::uint8_t traffic_class = FW_CLASS_OTHER;
  std::uint32_t len_bytes = 0;  // on the wire
  Address source;               // of a dropped packet
};

// The word of docs/reasons.md with _ instead of -: "not_ours", "ban", "not_ip".
[[nodiscard]] std::string outcome_word(unsigned reason);

}  // namespace fw::replay
