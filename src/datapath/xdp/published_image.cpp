// SPDX-License-Identifier: MIT
#include "datapath/xdp/published_image.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

namespace fw::datapath::xdp {

namespace {

constexpr std::size_t kPartBytes = std::size_t{256} << 10;

std::size_t digest_of(std::span<const std::byte> bytes) {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

void PublishedImage::set(fw_u32 word, std::uint32_t map, std::span<const std::byte> fixed,
                         std::span<const std::byte> rest) {
  word_ = word;
  map_ = map;
  parts_.clear();
  next_ = 0;
  for (std::span<const std::byte> left : {fixed, rest})
    while (!left.empty()) {
      const auto bytes = left.first(std::min(left.size(), kPartBytes));
      parts_.push_back({.bytes = bytes, .digest = digest_of(bytes)});
      left = left.subspan(bytes.size());
    }
}

bool PublishedImage::look() {
  for (std::size_t i = 0; i < std::min(parts_.size(), kBytesPerLook / kPartBytes); i++) {
    const Part& part = parts_[next_];
    next_ = (next_ + 1) % parts_.size();
    if (digest_of(part.bytes) != part.digest) return false;
  }
  return true;
}

}  // namespace fw::datapath::xdp
