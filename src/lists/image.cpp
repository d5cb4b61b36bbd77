// SPDX-License-Identifier: MIT
// Splits the entries by family, builds both parts, and fills in the header.
#include "lists/image.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/units.hpp"
#include "lists/image_parts.hpp"

namespace fw::lists {

namespace {

struct Families {
  std::vector<Span<std::uint32_t>> v4;
  std::vector<Span<Address>> v6;
};

template <typename Item>
Families split(std::span<const Item> ranges) {
  Families out;
  out.v4.reserve(ranges.size());
  for (const Item& range : ranges) {
    if (range.last < range.first) continue;
    if (range.first.is_v4() && range.last.is_v4())
      out.v4.push_back({range.first.v4_number(), range.last.v4_number()});
    else
      out.v6.push_back({range.first, range.last});
  }
  return out;
}

Result<std::vector<std::byte>> build(Families denied, Families allowed, std::size_t entries) {
  const auto v4 = segments(std::move(denied.v4), std::move(allowed.v4));
  const auto v6 = segments(std::move(denied.v6), std::move(allowed.v6));
  if (v4.empty() && v6.empty()) return std::vector<std::byte>{};

  Image image;
  if (!add_v4(image, v4) || !add_v6(image, v6) || image.lines() * FW_LINE_BYTES > kMaxImageBytes)
    return fail(
        fmt::format("the lists ({} entries) need more than {}: shorten them, or join "
                    "addresses to prefixes",
                    entries, format_size(kMaxImageBytes)));
  fw_list_header& header = image.header();
  header.magic = FW_LIST_MAGIC;
  header.lines = static_cast<std::uint32_t>(image.lines());
  return image.take();
}

}  // namespace

Result<std::vector<std::byte>> build_image(std::span<const Range> deny,
                                           std::span<const Range> allow) {
  return build(split(deny), split(allow), deny.size() + allow.size());
}

Result<std::vector<std::byte>> build_image(std::span<const ListEntry> deny,
                                           std::span<const Range> allow) {
  return build(split(deny), split(allow), deny.size() + allow.size());
}

}  // namespace fw::lists
