// SPDX-License-Identifier: MIT
// The IPv4 part of the image: root, chunks, buckets, bitmaps (policy/list_image.h).
#include <algorithm>
#include <array>
#include <cstring>

#include "lists/image.hpp"
#include "lists/image_parts.hpp"

namespace fw::lists {

namespace {

constexpr std::size_t kChunks = 65'536;  // one per /16
constexpr std::size_t kRootLines = kChunks / 16;
constexpr std::uint8_t kBoth = FW_LIST_DENY | FW_LIST_ALLOW;
constexpr std::size_t kSlotsPerBucket = 5;  // on average; there is room for 8
constexpr std::size_t kMaxSlotsPerNet = 3;  // more pieces than that: a bitmap

// Part of one /24.
struct Piece {
  std::uint32_t net;
  std::uint8_t first, last, value;
};

using Chunk = std::array<std::uint8_t, FW_LINE_BYTES>;  // as fw_list_codes
using Bucket = std::array<std::uint64_t, 8>;            // as fw_list_bucket

// All /24s of the address space, by /16: 4 MiB.
struct Codes {
  std::vector<Chunk> chunk = std::vector<Chunk>(kChunks);
  std::vector<std::uint8_t> both = std::vector<std::uint8_t>(kChunks);  // 1: all of it is on both

  // `value` is one list's, or FW_LIST_MIXED.
  void set(std::uint32_t net, std::uint8_t value) {
    std::uint8_t& byte = chunk[net >> 8][net >> 2 & 63];
    byte = static_cast<std::uint8_t>(byte | value << (net & 3) * 2);
  }
  void set_whole_chunk(std::uint32_t index, std::uint8_t value) {
    if (value == kBoth)
      both[index] = 1;
    else
      chunk[index].fill(static_cast<std::uint8_t>(value * 0x55));
  }
};

// What a /16 has in common: its value, or FW_LIST_MIXED + 1 if nothing.
std::uint32_t common_value(const Codes& codes, std::size_t index) {
  if (codes.both[index] != 0) return kBoth;
  const Chunk& chunk = codes.chunk[index];
  const std::uint8_t first = chunk[0];
  const bool uniform = first == 0 || first == 0x55 || first == 0xaa;
  if (!uniform || std::memcmp(chunk.data(), chunk.data() + 1, chunk.size() - 1) != 0)
    return FW_LIST_MIXED + 1;
  return first & 3;
}

// Enters the whole /24s of a segment in `codes` and the rest in `pieces`.
void enter(const Segment<std::uint32_t>& segment, Codes& codes, std::vector<Piece>& pieces) {
  const std::uint32_t last_net = segment.last >> 8;
  for (std::uint32_t net = segment.first >> 8; net <= last_net; net++) {
    if ((net & 255) == 0 && segment.first <= net << 8 && last_net - net >= 255 &&
        segment.last >= (net << 8 | 0xffff)) {
      codes.set_whole_chunk(net >> 8, segment.value);
      net += 255;
      continue;
    }
    const std::uint32_t first = std::max(segment.first, net << 8);
    const std::uint32_t last = std::min(segment.last, net << 8 | 255);
    if (last - first == 255 && segment.value != kBoth) {
      codes.set(net, segment.value);
    } else {
      codes.set(net, FW_LIST_MIXED);
      pieces.push_back(
          {net, static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(last), segment.value});
    }
  }
}

std::uint64_t interval_slot(const Piece& piece) {
  return std::uint64_t{piece.net} << FW_LIST_SLOT_NET_SHIFT |
         std::uint64_t{piece.value} << FW_LIST_SLOT_VALUE_SHIFT |
         static_cast<std::uint64_t>(piece.first) << 8 | piece.last;
}

std::uint64_t bitmap_slot(Image& image, std::span<const Piece> pieces) {
  const std::uint32_t line = image.add(1);
  auto& bitmap = image.at<fw_list_codes>(line);
  for (const Piece& piece : pieces)
    for (unsigned octet = piece.first; octet <= piece.last; octet++)
      bitmap.byte[octet / 4] =
          static_cast<std::uint8_t>(bitmap.byte[octet / 4] | piece.value << octet % 4 * 2);
  return std::uint64_t{pieces[0].net} << FW_LIST_SLOT_NET_SHIFT | FW_LIST_SLOT_BITMAP | line;
}

// The slots of all /24s in pieces. Pieces come in ascending order.
std::vector<std::uint64_t> make_slots(Image& image, std::span<const Piece> pieces) {
  std::vector<std::uint64_t> slots;
  slots.reserve(pieces.size());
  for (std::size_t begin = 0, end = 0; begin < pieces.size(); begin = end) {
    while (end < pieces.size() && pieces[end].net == pieces[begin].net) end++;
    if (end - begin > kMaxSlotsPerNet) {
      slots.push_back(bitmap_slot(image, pieces.subspan(begin, end - begin)));
      continue;
    }
    for (std::size_t i = begin; i < end; i++)
      slots.push_back(interval_slot(pieces[i]) | (end - begin == 1 ? FW_LIST_SLOT_ALONE : 0));
  }
  return slots;
}

// `count` buckets, and those after the last, with every slot in the first of its buckets that has
// room. Nothing if one has none.
std::vector<Bucket> fill_buckets(std::span<const std::uint64_t> slots, std::size_t count,
                                 std::uint32_t seed) {
  std::vector<Bucket> buckets(count + FW_LIST_PROBES);
  std::vector<std::uint8_t> used(buckets.size());
  for (const std::uint64_t slot : slots) {
    const auto net = static_cast<std::uint32_t>(slot >> FW_LIST_SLOT_NET_SHIFT);
    std::size_t place = fw_list_place(fw_list_hash(net, seed), static_cast<std::uint32_t>(count));
    const std::size_t end = place + FW_LIST_PROBES;
    // Only a full bucket is marked, so the mark is never overwritten.
    for (; place < end && used[place] == 8; place++) buckets[place][0] |= FW_LIST_SLOT_SPILLED;
    if (place == end) return {};
    buckets[place][used[place]++] = slot;
  }
  return buckets;
}

// False if they do not fit in kMaxImageBytes.
bool add_buckets(Image& image, std::span<const std::uint64_t> slots) {
  std::size_t count = slots.size() / kSlotsPerBucket + 1;
  // A list made to collide under one seed does not under the next.
  for (std::uint32_t seed = 1;; seed++, count += count / 8 + 1) {
    if ((image.lines() + count + FW_LIST_PROBES) * FW_LINE_BYTES > kMaxImageBytes) return false;
    const std::vector<Bucket> buckets = fill_buckets(slots, count, seed);
    if (buckets.empty()) continue;
    const std::uint32_t first = image.add(buckets.size());
    std::memcpy(&image.at<fw_list_bucket>(first), buckets.data(), buckets.size() * sizeof(Bucket));
    image.header().seed = seed;
    image.header().v4_buckets = first;
    image.header().v4_bucket_count = static_cast<std::uint32_t>(count);
    return true;
  }
}

// Where most /16s are listed in part the root only costs a look-up: all chunks are laid down then.
void add_chunks(Image& image, const Codes& codes) {
  std::vector<std::uint32_t> value(kChunks);
  std::size_t mixed = 0, both = 0;
  for (std::size_t i = 0; i < kChunks; i++) {
    value[i] = common_value(codes, i);
    mixed += value[i] > FW_LIST_MIXED ? 1 : 0;
    both += value[i] == kBoth ? 1 : 0;
  }
  if (mixed > kChunks / 2 && both == 0) {
    const std::uint32_t first = image.add(kChunks);
    std::memcpy(&image.at<fw_list_codes>(first), codes.chunk.data(), kChunks * FW_LINE_BYTES);
    image.header().v4_chunks = first;
    return;
  }
  const std::uint32_t root = image.add(kRootLines + mixed);
  std::uint32_t chunk = root + kRootLines;
  for (std::size_t i = 0; i < kChunks; i++) {
    if (value[i] > FW_LIST_MIXED) {
      std::memcpy(&image.at<fw_list_codes>(chunk), codes.chunk[i].data(), FW_LINE_BYTES);
      value[i] = chunk++;
    }
    image.at<fw_list_root>(root + i / 16).word[i % 16] = value[i];
  }
  image.header().v4_root = root;
}

}  // namespace

bool add_v4(Image& image, std::span<const Segment<std::uint32_t>> segments) {
  if (segments.empty()) return true;
  Codes codes;
  std::vector<Piece> pieces;
  pieces.reserve(segments.size());
  for (const auto& segment : segments) enter(segment, codes, pieces);
  image.header().v4 = 1;
  add_chunks(image, codes);
  return add_buckets(image, make_slots(image, pieces));
}

}  // namespace fw::lists
