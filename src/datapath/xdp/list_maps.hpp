// SPDX-License-Identifier: MIT
// Swaps the maps of the deny and allow lists. Every packet sees one image only.
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
  int rest;                 // descriptor of `lists`: for each half the map of the other lines
};

// Puts an image (lists/image.hpp) in force; an empty one removes the lists. After an error the
// former image is in force. Returns the lines behind list_v4, mapped; the map exists without this
// mapping.
[[nodiscard]] Result<MappedArray> swap_lists(const ListMaps& maps,
                                             std::span<const std::byte> image);

}  // namespace fw::datapath::xdp
