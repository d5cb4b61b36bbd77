// SPDX-License-Identifier: MIT
// Deny and allow entries, as ranges in any order, made into the image that the policy looks
// addresses up in (policy/list_image.h, policy/lists.h). The same entries give the same image.
//
// Memory of an image: nothing without entries; IPv4 256 KiB, 64 bytes for each /16 that is listed
// in part (together at most 4 MiB), 13 bytes for each piece of a /24 (a single address is one) and
// 64 for each /24 in more than 3 pieces: 1 million addresses at random make 17 MB. IPv6 29 bytes
// for each entry and 2 for each /32 with entries. While it is built: four times as much.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"

namespace fw::lists {

// Inclusive. An IPv6 range around the mapped block (::/0) does not mean IPv4 addresses.
struct Range {
  Address first, last;
};

// Larger images are refused: 1 GiB, about 60 million addresses.
inline constexpr std::uint64_t kMaxImageBytes = std::uint64_t{1} << 30;

// The image, a multiple of FW_LINE_BYTES; empty if there are no entries. Fails only if it would be
// larger than kMaxImageBytes.
[[nodiscard]] Result<std::vector<std::byte>> build_image(std::span<const Range> deny,
                                                         std::span<const Range> allow);

}  // namespace fw::lists
