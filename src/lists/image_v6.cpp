// SPDX-License-Identifier: MIT
// The IPv6 part of the image: filter and tree (policy/list_image.h).
#include <algorithm>
#include <bit>
#include <optional>

#include "lists/image.hpp"
#include "lists/image_parts.hpp"

namespace fw::lists {

namespace {

constexpr std::size_t kFilterBitsPerNet = 16;  // 1 in 17 unlisted /32s is looked for in the tree
constexpr std::size_t kMaxFilterNets = 4'000'000;  // beyond it a filter would not pay
constexpr std::size_t kLineBits = std::size_t{FW_LINE_BYTES} * 8;
constexpr std::size_t kFanOut = FW_LIST_KEYS + 1;

struct Boundary {
  Address at;
  std::uint8_t value;  // from here to the next boundary
};

struct Key {
  Address at;
  std::uint32_t info;  // FW_LIST_INFO
};

std::vector<Boundary> boundaries(std::span<const Segment<Address>> segments) {
  std::vector<Boundary> out;
  out.reserve(2 * segments.size());
  for (std::size_t i = 0; i < segments.size(); i++) {
    out.push_back({segments[i].first, segments[i].value});
    const Address after = next(segments[i].last);
    const bool gap = i + 1 == segments.size() ? after != Address{} : after != segments[i + 1].first;
    if (gap) out.push_back({after, 0});
  }
  return out;
}

// host_bits if first..last is a block of 2^host_bits addresses (a prefix).
std::optional<unsigned> block_bits(const Address& first, const Address& last) {
  const std::uint64_t hi = first.hi ^ last.hi;
  const std::uint64_t lo = first.lo ^ last.lo;
  const bool power =
      hi == 0 ? (lo & (lo + 1)) == 0 : lo == ~std::uint64_t{0} && (hi & (hi + 1)) == 0;
  if (!power || (first.hi & hi) != 0 || (first.lo & lo) != 0) return std::nullopt;
  return static_cast<unsigned>(std::popcount(hi) + std::popcount(lo));
}

// A boundary that closes a prefix needs no key of its own.
std::vector<Key> fold(std::span<const Boundary> list) {
  std::vector<Key> keys;
  keys.reserve(list.size() / 2 + 1);
  for (std::size_t i = 0; i < list.size(); i++) {
    const std::uint32_t value = list[i].value;
    const Address at = list[i].at;
    std::optional<unsigned> bits;
    if (i + 1 < list.size()) bits = block_bits(at, previous(list[i + 1].at));
    if (bits)
      keys.push_back({at, FW_LIST_INFO(value, std::uint32_t{list[++i].value}, *bits)});
    else
      keys.push_back({at, FW_LIST_INFO(value, value, 0U)});
  }
  return keys;
}

// A level of the tree: its lines, and the lowest key below each.
struct Level {
  std::uint32_t first_line = 0;
  std::vector<Address> lowest;
};

void set_key(fw_list_node& node, std::size_t i, const Address& key) {
  node.hi[i] = key.hi;
  node.lo[i] = key.lo;
}

Level add_leaves(Image& image, std::span<const Key> keys) {
  const std::size_t count = (keys.size() + FW_LIST_KEYS - 1) / FW_LIST_KEYS;
  Level level{image.add(count), {}};
  for (std::size_t leaf = 0; leaf < count; leaf++) {
    auto& node = image.at<fw_list_node>(level.first_line + leaf);
    level.lowest.push_back(keys[leaf * FW_LIST_KEYS].at);
    for (std::size_t i = 0; i < FW_LIST_KEYS; i++) {
      const Key& key = keys[std::min(leaf * FW_LIST_KEYS + i, keys.size() - 1)];
      set_key(node, i, key.at);
      node.info[i] = key.info;
    }
  }
  return level;
}

// Makes the lines of the lowest level so far a multiple of kFanOut by repeating the last: a node
// whose last key is repeated leads to the last of its children.
void pad(Image& image, Level& level) {
  while (level.lowest.size() % kFanOut != 0) {
    const std::uint32_t line = image.add(1);
    image.at<fw_list_node>(line) = image.at<fw_list_node>(line - 1);
    level.lowest.push_back(level.lowest.back());
  }
}

Level add_parents(Image& image, Level& below) {
  pad(image, below);
  const std::size_t count = below.lowest.size() / kFanOut;
  Level level{image.add(count), {}};
  for (std::size_t i = 0; i < count; i++) {
    auto& node = image.at<fw_list_node>(level.first_line + i);
    const std::size_t child = i * kFanOut;
    level.lowest.push_back(below.lowest[child]);
    for (std::size_t k = 0; k < FW_LIST_KEYS; k++) set_key(node, k, below.lowest[child + 1 + k]);
    node.child = below.first_line + static_cast<std::uint32_t>(child);
  }
  return level;
}

// The first 32 bits of everything listed, ascending; nothing if they are too many.
std::optional<std::vector<std::uint32_t>> listed_nets(std::span<const Segment<Address>> segments) {
  std::vector<std::uint32_t> nets;
  for (const auto& segment : segments) {
    std::uint64_t net = segment.first.hi >> 32;
    const std::uint64_t last = segment.last.hi >> 32;
    if (nets.size() + (last - net) > kMaxFilterNets) return std::nullopt;
    if (!nets.empty() && nets.back() == net) net++;
    for (; net <= last; net++) nets.push_back(static_cast<std::uint32_t>(net));
  }
  return nets;
}

void add_filter(Image& image, std::span<const std::uint32_t> nets) {
  const std::size_t lines = nets.size() * kFilterBitsPerNet / kLineBits + 1;
  const std::uint32_t first = image.add(lines);
  const std::uint32_t seed = image.header().seed;
  for (const std::uint32_t net : nets) {
    const std::uint32_t hash = fw_list_hash(net, seed);
    const std::uint32_t line = first + fw_list_place(hash, static_cast<std::uint32_t>(lines));
    image.at<fw_list_bits>(line).word[hash >> 6 & 7] |= 1ULL << (hash & 63);
  }
  image.header().v6_filter = first;
  image.header().v6_filter_lines = static_cast<std::uint32_t>(lines);
}

}  // namespace

bool add_v6(Image& image, std::span<const Segment<Address>> segments) {
  if (segments.empty()) return true;
  // Two keys a segment at most, three keys a line, and a third more for the upper levels.
  if (segments.size() * FW_LINE_BYTES > kMaxImageBytes) return false;
  Level level = add_leaves(image, fold(boundaries(segments)));
  while (level.lowest.size() > 1) level = add_parents(image, level);
  image.header().v6_tree = level.first_line;
  if (const auto nets = listed_nets(segments)) add_filter(image, *nets);
  return true;
}

}  // namespace fw::lists
