// SPDX-License-Identifier: MIT
// The IPv6 part of the image: filter and trees (abi/list_image.h).
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lists/image.hpp"
#include "lists/image_parts.hpp"

namespace fw::lists {

namespace {

// A Bloom filter with one hash: 1 in 17 unlisted /32s is then looked up in the tree.
constexpr std::size_t kFilterBitsPerNet = 16;
constexpr std::size_t kMaxFilterNets = 4'000'000;  // with more, 8 MB, the filter leaves the caches
constexpr std::size_t kLineBits = std::size_t{FW_LINE_BYTES} * 8;
constexpr std::size_t kFanOut = FW_LIST_NODE_KEYS + 1;
constexpr std::size_t kLowersPerLine = FW_LINE_BYTES / sizeof(fw_u64);
constexpr std::uint64_t kTopBit = std::uint64_t{1} << 63;

using Half = std::uint64_t;  // the upper or the lower half of an address
using Part = Segment<Half>;  // of upper halves, or of the lower halves in one /64

struct Key {
  Half at;
  std::uint32_t word;
};

constexpr std::uint32_t word_of(unsigned kind, unsigned value, unsigned number,
                                std::uint32_t line) {
  return FW_LIST_WORD(kind, value, number, line);
}

// The keys of a tree in ascending order, those without the top bit and those with it.
class Keys {
 public:
  void add(const Part& part) {
    if (part.first < kTopBit && part.last >= kTopBit) {
      add({part.first, kTopBit - 1, part.value});
      add({kTopBit, part.last, part.value});
      return;
    }
    const Half size = part.first ^ part.last;
    if ((size & (size + 1)) == 0 && (part.first & size) == 0) {
      const auto host_bits = static_cast<std::uint32_t>(std::popcount(size));
      add(part.first, word_of(FW_LIST_ALL, part.value, 0, host_bits));
      return;
    }
    add(part.first, word_of(FW_LIST_ALL, part.value, part.value, 0));
    if ((part.last + 1) % kTopBit != 0) add(part.last + 1, 0);
  }
  // Replaces a key at the same place: that one only ended the part before it.
  void add(Half at, std::uint32_t word) {
    auto& half = halves_[at >> 63];
    if (half.empty() && at % kTopBit != 0) half.push_back({at & kTopBit, 0});
    if (!half.empty() && half.back().at == at) half.pop_back();
    half.push_back({at, word});
  }
  [[nodiscard]] const std::vector<Key>& without_top_bit() const { return halves_[0]; }
  [[nodiscard]] const std::vector<Key>& with_top_bit() const { return halves_[1]; }
  void clear() {
    for (auto& half : halves_) half.clear();
  }

 private:
  std::array<std::vector<Key>, 2> halves_;
};

// A level of the tree: its lines, and the lowest key below each line.
struct Level {
  std::uint32_t first_line = 0;
  std::vector<Half> lowest;
};

void fill_leaf(Image& image, std::size_t line, std::span<const Key> keys) {
  auto& leaf = image.at<fw_list_leaf>(line);
  for (std::size_t i = 0; i < FW_LIST_LEAF_KEYS && !keys.empty(); i++) {
    const Key& key = keys[std::min(i, keys.size() - 1)];
    leaf.key[i] = key.at;
    leaf.word[i] = key.word;
  }
}

Level add_leaves(Image& image, std::span<const Key> keys) {
  const std::size_t count = (keys.size() + FW_LIST_LEAF_KEYS - 1) / FW_LIST_LEAF_KEYS;
  Level level{image.add(count), {}};
  for (std::size_t i = 0; i < count;
       i++, keys = keys.subspan(std::min<std::size_t>(FW_LIST_LEAF_KEYS, keys.size()))) {
    level.lowest.push_back(keys[0].at);
    fill_leaf(image, level.first_line + i, keys);
  }
  return level;
}

// Repeats the last line of a level until their number is a multiple of kFanOut. In the node above,
// the repeated key leads to the last child.
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
    std::copy_n(below.lowest.begin() + static_cast<std::ptrdiff_t>(child) + 1, FW_LIST_NODE_KEYS,
                node.key);
    node.child = below.first_line + static_cast<std::uint32_t>(child);
  }
  return level;
}

// Adds one of the two halves of a tree, with its root in the line `root`.
void add_half(Image& image, std::size_t root, std::span<const Key> keys) {
  if (keys.size() <= FW_LIST_LEAF_KEYS) {
    fill_leaf(image, root, keys);
    return;
  }
  Level level = add_leaves(image, keys);
  while (level.lowest.size() > 1) level = add_parents(image, level);
  image.at<fw_list_node>(root) = image.at<fw_list_node>(level.first_line);
}

// Returns the first of its two lines.
std::uint32_t add_tree(Image& image, const Keys& keys) {
  const std::uint32_t roots = image.add(2);
  add_half(image, roots, keys.without_top_bit());
  add_half(image, roots + 1, keys.with_top_bit());
  return roots;
}

// Makes keys of the upper halves of segments. Adds lines for the lower halves of each /64 that is
// not listed as a whole.
class Uppers {
 public:
  explicit Uppers(Image& image) : image_(image) {}

  void add(const Segment<Address>& segment) {
    Half first = segment.first.hi;
    const Half last = segment.last.hi;
    if (first == last) {
      add_part(first, {segment.first.lo, segment.last.lo, segment.value});
      return;
    }
    if (segment.first.lo != 0) add_part(first++, {segment.first.lo, ~Half{0}, segment.value});
    const bool whole = segment.last.lo == ~Half{0};
    if (first < last || whole) {
      finish_net();
      keys_.add({first, whole ? last : last - 1, segment.value});
    }
    if (!whole) add_part(last, {0, segment.last.lo, segment.value});
  }
  std::uint32_t finish() {
    finish_net();
    return add_tree(image_, keys_);
  }

 private:
  // A part of a /64.
  void add_part(Half net, const Part& part) {
    if (!parts_.empty() && net != net_) finish_net();
    net_ = net;
    parts_.push_back(part);
  }
  void finish_net() {
    if (parts_.empty()) return;
    const Part& front = parts_.front();
    if (front.first == 0 && front.last == ~Half{0}) {
      keys_.add({net_, net_, front.value});
    } else if (parts_.size() == 1 && front.first == front.last) {
      keys_.add(net_, word_of(FW_LIST_SOME, front.value, lowers_ % kLowersPerLine, lower_line()));
      image_.at<fw_list_bits>(lower_line_).word[lowers_++ % kLowersPerLine] = front.first;
    } else {
      lower_.clear();
      for (const Part& part : parts_) lower_.add(part);
      keys_.add(net_, word_of(FW_LIST_NODE, 0, 0, add_tree(image_, lower_)));
    }
    parts_.clear();
  }
  // The line that takes the next single lower half.
  std::uint32_t lower_line() {
    if (lowers_ % kLowersPerLine == 0) lower_line_ = image_.add(1);
    return lower_line_;
  }

  Image& image_;
  Keys keys_, lower_;
  Half net_ = 0;
  std::vector<Part> parts_;  // of this /64
  std::size_t lowers_ = 0;
  std::uint32_t lower_line_ = 0;
};

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
  if (segments.size() / FW_LIST_LEAF_KEYS * FW_LINE_BYTES > kMaxImageBytes) return false;
  Uppers uppers(image);
  for (const auto& segment : segments) {
    uppers.add(segment);
    if (image.lines() * FW_LINE_BYTES > kMaxImageBytes) return false;
  }
  image.header().v6_tree = uppers.finish();
  if (const auto nets = listed_nets(segments)) add_filter(image, *nets);
  return true;
}

}  // namespace fw::lists
