// SPDX-License-Identifier: MIT
// Builds the image in which the policy looks addresses up (abi/list_image.h, tables/list_lookup.h)
// from deny and allow entries, given as ranges in any order. The same entries give the same image.
//
// Thread rule: a free function without state.
//
// Memory of an image: none without entries, else 4.3 MB. IPv4 adds 512 bytes for each /17 (of a
// short list: /16) with more than 14 addresses, 512 for each sixteenth of it with more than 14, and
// 64 for each sixteenth of that: 1 million random addresses make 5.1 MB. IPv6 adds 15 bytes for
// each prefix up to /64, 23 for each single address of a /64, at least 143 for a /64 with several,
// and 2 for each /32 with entries. Building takes four times as much.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"
#include "lists/list_file.hpp"

namespace fw::lists {

// Inclusive. A range that is not IPv4 as a whole is IPv6 and never means IPv4 addresses, even if it
// lies around the block that they are mapped to (::/0).
struct Range {
  Address first, last;

  [[nodiscard]] bool is_v4() const { return first.is_v4() && last.is_v4(); }
};

// Larger images are refused. 1 GiB holds some 30 million random IPv4 addresses (judgement).
inline constexpr std::uint64_t kMaxImageBytes = std::uint64_t{1} << 30;

// The image, a multiple of FW_LINE_BYTES; empty if there are no entries. Fails only if it would be
// larger than kMaxImageBytes.
[[nodiscard]] Result<std::vector<std::byte>> build_image(std::span<const Range> deny,
                                                         std::span<const Range> allow);
// The same for a deny list as it was read.
[[nodiscard]] Result<std::vector<std::byte>> build_image(std::span<const ListEntry> deny,
                                                         std::span<const Range> allow);

}  // namespace fw::lists
