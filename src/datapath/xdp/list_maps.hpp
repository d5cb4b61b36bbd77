// SPDX-License-Identifier: MIT
// The maps of the deny and allow lists, and how they are swapped: every packet sees one image from
// its first look to its last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "abi/configuration.h"
#include "abi/list_image.h"
#include "base/error.hpp"
#include "datapath/xdp/maps.hpp"

namespace fw::datapath::xdp {

// Bytes of list_v4: two halves of the lines that have fixed places.
inline constexpr std::size_t kListV4Bytes = std::size_t{2} * FW_LIST_V4_LINES * FW_LINE_BYTES;

struct ListMaps {
  fw_active* active;        // mapped
  std::span<std::byte> v4;  // list_v4, mapped
  int rest;                 // `lists`: for each half a map of what is behind
};

// Puts an image (lists/image.hpp) in force, or with an empty one none. If that fails, the former
// one stays. Returns the memory of what is behind list_v4; the kernel's map lives without it.
[[nodiscard]] Result<MappedArray> swap_lists(const ListMaps& maps,
                                             std::span<const std::byte> image);

}  // namespace fw::datapath::xdp
