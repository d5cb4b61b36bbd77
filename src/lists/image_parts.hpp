// SPDX-License-Identifier: MIT
// The image while it is built, for the files of this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "abi/list_image.h"
#include "lists/segments.hpp"

namespace fw::lists {

// A growing image. Lines are zero when added; references are valid only until the next add().
class Image {
 public:
  Image() { add(FW_LIST_HEADER + 1); }

  // The number of the first of `count` new lines.
  std::uint32_t add(std::size_t count) {
    const auto first = static_cast<std::uint32_t>(lines());
    bytes_.resize(bytes_.size() + count * FW_LINE_BYTES);
    return first;
  }
  // The line as one of the fw_list_... structures, which are may_alias.
  template <typename View>
  View& at(std::size_t line) {
    return *reinterpret_cast<View*>(bytes_.data() + line * FW_LINE_BYTES);
  }
  [[nodiscard]] std::size_t lines() const { return bytes_.size() / FW_LINE_BYTES; }
  fw_list_header& header() { return at<fw_list_header>(FW_LIST_HEADER); }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

// Append the part of one family and enter it in the header. `segments` are in the form that
// segments() returns. Return false if the image would exceed kMaxImageBytes; it is then unusable.
[[nodiscard]] bool add_v4(Image& image, std::span<const Segment<std::uint32_t>> segments);
[[nodiscard]] bool add_v6(Image& image, std::span<const Segment<Address>> segments);

}  // namespace fw::lists
