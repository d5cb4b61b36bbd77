// SPDX-License-Identifier: MIT
// Deny and allow entries, as ranges in any order, made into the image that the policy looks
// addresses up in (policy/list_image.h, policy/lists.h). The same entries give the same image.
//
// Memory of an image: nothing without entries, else 4.3 MB; for each IPv4 /17 (of a short list:
// /16) with more than 14 addresses 512 bytes, for each sixteenth of it with more than that 512, and
// for each sixteenth of that 64: 1 million addresses at random make 5.1 MB. IPv6 15 bytes for each
// prefix up to /64, 23 for each address that is alone in its /64, at least 143 for a /64 with
// several, 2 for each /32 with entries. While it is built: four times as much.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"

namespace fw::lists {

// Inclusive. A range that is not IPv4 as a whole is IPv6 and never means IPv4 addresses, even if it
// lies around the block that they are mapped to (::/0).
struct Range {
  Address first, last;

  [[nodiscard]] bool is_v4() const { return first.is_v4() && last.is_v4(); }
};

// Larger images are refused: 1 GiB, some 30 million IPv4 addresses at random.
inline constexpr std::uint64_t kMaxImageBytes = std::uint64_t{1} << 30;

// The image, a multiple of FW_LINE_BYTES; empty if there are no entries. Fails only if it would be
// larger than kMaxImageBytes.
[[nodiscard]] Result<std::vector<std::byte>> build_image(std::span<const Range> deny,
                                                         std::span<const Range> allow);

}  // namespace fw::lists
