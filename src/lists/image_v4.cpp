// SPDX-License-Identifier: MIT
// The IPv4 part of the image: filter, cells, nodes and bitmaps (abi/list_image.h).
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lists/image.hpp"
#include "lists/image_parts.hpp"

namespace fw::lists {

namespace {

using Segments = std::span<const Segment<std::uint32_t>>;

// A prefix: 2^bits addresses from `first`.
struct Block {
  std::uint32_t first;
  unsigned bits;

  [[nodiscard]] std::uint32_t last() const { return first | ((std::uint32_t{1} << bits) - 1); }
  [[nodiscard]] Block sixteenth(std::uint32_t i) const {
    return {first | i << (bits - 4), bits - 4};
  }
};

constexpr unsigned kCellBits = FW_LIST_CELL_BITS, kShortCellBits = kCellBits + 1, kBitmapBits = 8,
                   kFilterBits = 11;
// A list counts as short if at most one in this many of its keys is in a cell that is too small for
// its keys (judgement).
constexpr std::size_t kCrowdedPart = 8;
constexpr std::size_t kNodeLines = 8;

// Cell number `cell` of those that begin at a line; two cells are in a line.
struct CellRef {
  std::size_t line;
  std::uint32_t cell;

  [[nodiscard]] auto& in(Image& image) const {
    return image.at<fw_list_cells>(line + cell / 2).cell[cell % 2];
  }
};

// The segments that overlap a block. Removes those before it from `rest`; the blocks of successive
// calls ascend.
Segments touching(const Block& block, Segments& rest) {
  while (!rest.empty() && rest.front().last < block.first) rest = rest.subspan(1);
  std::size_t count = 0;
  while (count < rest.size() && rest[count].first <= block.last()) count++;
  return rest.first(count);
}

// The part of a segment that is in the block.
Span<std::uint32_t> part(const Segment<std::uint32_t>& segment, const Block& block) {
  return {std::max(segment.first, block.first), std::min(segment.last, block.last())};
}

// Writes the segments into the cell as keys. Returns false and changes nothing if they have several
// values or do not fit.
bool put_keys(Image& image, const CellRef& ref, const Block& block, Segments segments) {
  std::vector<std::uint16_t> pairs, singles;
  for (const auto& segment : segments) {
    const auto span = part(segment, block);
    // A range of two addresses takes two keys either way, and single keys are found faster.
    auto& keys = span.last - span.first > 1 ? pairs : singles;
    keys.push_back(static_cast<std::uint16_t>(span.first));
    if (span.last != span.first) keys.push_back(static_cast<std::uint16_t>(span.last));
    if (segment.value != segments[0].value || pairs.size() + singles.size() > FW_LIST_CELL_KEYS)
      return false;
  }
  auto& cell = ref.in(image);
  std::ranges::fill(cell.key, pairs.empty() ? singles[0] : pairs[0]);
  std::ranges::copy(singles, std::ranges::copy(pairs, cell.key).out);
  const auto count = static_cast<std::uint32_t>(pairs.size() / 2);
  cell.word = FW_LIST_WORD(std::uint32_t{FW_LIST_SOME}, segments[0].value, count, 0U);
  return true;
}

std::uint32_t add_bitmap(Image& image, const Block& block, Segments segments) {
  const std::uint32_t line = image.add(1);
  auto& bitmap = image.at<fw_list_codes>(line);
  for (const auto& segment : segments) {
    const auto span = part(segment, block);
    for (std::uint32_t at = span.first & 0xff; at <= (span.last & 0xff); at++)
      bitmap.byte[at / 4] =
          static_cast<std::uint8_t>(bitmap.byte[at / 4] | segment.value << at % 4 * 2);
  }
  return line;
}

// Fills the cell of a block, and adds lines if needed. `segments` are those that overlap the block.
void fill(Image& image, const CellRef& ref, const Block& block, Segments segments) {
  if (segments.empty()) return;
  const auto& front = segments.front();
  if (front.first <= block.first && front.last >= block.last()) {
    ref.in(image).word = front.value;
    return;
  }
  if (put_keys(image, ref, block, segments)) return;
  if (block.bits <= kBitmapBits) {
    const std::uint32_t line = add_bitmap(image, block, segments);
    ref.in(image).word = FW_LIST_WORD(std::uint32_t{FW_LIST_BITMAP}, 0U, 0U, line);
    return;
  }
  const std::uint32_t node = image.add(kNodeLines);
  ref.in(image).word = FW_LIST_WORD(std::uint32_t{FW_LIST_NODE}, 0U, block.bits - 4, node);
  for (std::uint32_t i = 0; i < 16; i++) {
    const Block below = block.sixteenth(i);
    fill(image, {node, i}, below, touching(below, segments));
  }
}

void enter_in_filter(Image& image, const Segment<std::uint32_t>& segment) {
  for (std::uint32_t n = segment.first >> kFilterBits; n <= segment.last >> kFilterBits; n++)
    image.at<fw_list_bits>(FW_LIST_V4_FILTER + n / 512).word[n / 64 % 8] |= std::uint64_t{1}
                                                                            << n % 64;
}

// Whether cells of twice the size can hold nearly all addresses.
bool is_short(Segments segments) {
  std::size_t keys = 0, crowded = 0, mine = 0;
  std::uint32_t block = 0;
  const auto close = [&] {
    keys += mine;
    if (mine > FW_LIST_CELL_KEYS) crowded += mine;
    mine = 0;
  };
  for (const auto& segment : segments) {
    if (segment.first >> kShortCellBits != block) close();
    block = segment.first >> kShortCellBits;
    mine += segment.first == segment.last ? 1 : 2;
  }
  close();
  return crowded <= keys / kCrowdedPart;
}

}  // namespace

bool add_v4(Image& image, Segments segments) {
  for (const auto& segment : segments) enter_in_filter(image, segment);
  const unsigned bits = is_short(segments) ? kShortCellBits : kCellBits;
  image.header().is_short = bits == kShortCellBits;
  for (std::uint32_t i = 0; i >> (32 - bits) == 0 && !segments.empty(); i++) {
    const Block block{i << bits, bits};
    fill(image, {FW_LIST_V4_CELLS, i}, block, touching(block, segments));
    if (image.lines() * FW_LINE_BYTES > kMaxImageBytes) return false;
  }
  return true;
}

}  // namespace fw::lists
