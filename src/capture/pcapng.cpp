// SPDX-License-Identifier: MIT
// The pcapng format: sections of blocks.
#include "capture/pcapng.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace fw::capture {
namespace {

__extension__ using Wide = __int128;

constexpr std::uint32_t kSectionBlock = 0x0a0d0d0a;  // the same in both byte orders
constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
enum BlockType : std::uint8_t { kInterface = 1, kPacket = 2, kSimplePacket = 3, kEnhanced = 6 };

constexpr std::size_t kBlockFrame = 12;  // type and length before the body, length after it
constexpr std::size_t kMinSection = 28;  // with its body
constexpr std::size_t kPacketHead = 20;  // header of a packet block's body, old and enhanced
constexpr std::size_t kMaxInterfaces = 65536;
constexpr Wide kSecond = 1'000'000'000;

std::uint64_t power_of_ten(unsigned exponent) {
  std::uint64_t value = 1;
  while (exponent-- > 0) value *= 10;
  return value;
}

}  // namespace

// if_tsresol: a negative power of 10, or of 2 with the top bit set.
void Pcapng::Interface::set_resolution(unsigned octet) {
  const unsigned exponent = octet & 0x7f;
  multiply = divide = 1;
  shift = 0;
  if ((octet & 0x80) != 0) {
    multiply = static_cast<std::uint64_t>(kSecond);
    shift = exponent;
  } else if (exponent <= 9) {
    multiply = power_of_ten(9 - exponent);
  } else if (exponent <= 9 + 19) {
    divide = power_of_ten(exponent - 9);
  } else {
    multiply = 0;  // less than a nanosecond in all of 64 bits
  }
}

std::uint64_t Pcapng::Interface::time_ns(std::uint64_t ticks) const {
  Wide time = static_cast<Wide>(ticks) * multiply;
  if (divide != 1) time /= divide;
  time = (time >> shift) + offset_s * kSecond;
  constexpr Wide kLast = std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(std::clamp<Wide>(time, 0, kLast));
}

bool Pcapng::recognizes(std::span<const std::byte, 4> magic) {
  return ByteOrder{}.u32(magic.data()) == kSectionBlock;
}

Result<Pcapng> Pcapng::start(Window& window) {
  Pcapng made;
  Block section;
  auto found = made.next_block(window, section);
  if (!found) return std::unexpected(std::move(found.error()));
  if (!*found)
    return fail(fmt::format("{}: not a capture: ends within the head of a pcapng file ({} bytes)",
                            window.name(), window.size()));
  window.skip(section.body.size() + kBlockFrame);
  return made;
}

// The block at the current position, which does not move; false at the end.
Result<bool> Pcapng::next_block(Window& window, Block& block) {
  if (window.size() < kBlockFrame) {
    if (auto more = window.refill(kBlockFrame); !more)
      return std::unexpected(std::move(more.error()));
    if (window.size() < kBlockFrame) {
      if (window.size() != 0) window.mark_cut();
      return false;
    }
  }
  block.type = order_.u32(window.data());
  if (block.type == kSectionBlock) {
    if (auto read = read_section(window); !read) return std::unexpected(std::move(read.error()));
  }
  const std::uint32_t size = order_.u32(window.data() + 4);
  const std::size_t least = block.type == kSectionBlock ? kMinSection : kBlockFrame;
  if (size < least || size % 4 != 0 || size > kMaxBlockBytes)
    return window.damaged(
        fmt::format("a block claims {} bytes, which must be a multiple of 4 from {} to {}", size,
                    least, kMaxBlockBytes));
  if (window.size() < size) {
    if (auto more = window.refill(size); !more) return std::unexpected(std::move(more.error()));
    if (window.size() < size) {
      window.mark_cut();
      return false;
    }
  }
  // The repetition of the length at the end is for reading backwards and is not checked.
  block.body = {window.data() + 8, size - kBlockFrame};
  return true;
}

// Every section has its own byte order and interfaces.
Result<void> Pcapng::read_section(const Window& window) {
  order_.swapped = false;
  if (order_.u32(window.data() + 8) != kByteOrderMagic) order_.swapped = true;
  if (order_.u32(window.data() + 8) != kByteOrderMagic)
    return window.damaged("a pcapng section without a byte order");
  interfaces_.clear();
  return {};
}

Result<bool> Pcapng::next(Window& window, Record& record) {
  Block block;
  while (true) {
    auto found = next_block(window, block);
    if (!found || !*found) return found;
    Result<void> read;
    bool is_packet = true;
    if (block.type == kEnhanced || block.type == kPacket) {
      read = enhanced_packet(window, block, record);
    } else if (block.type == kSimplePacket) {
      read = simple_packet(window, block, record);
    } else {
      is_packet = false;
      if (block.type == kInterface) read = add_interface(window, block);
    }
    if (!read) return std::unexpected(std::move(read.error()));
    window.skip(block.body.size() + kBlockFrame);
    if (is_packet) return true;
  }
}

Result<void> Pcapng::add_interface(const Window& window, const Block& block) {
  if (block.body.size() < 8) return window.damaged("an interface block is too short");
  if (interfaces_.size() == kMaxInterfaces) return window.damaged("more than 65536 interfaces");
  const std::byte* at = block.body.data();
  Interface added;
  added.link_type = order_.u16(at);
  added.snap_bytes = order_.u32(at + 4);
  auto options = block.body.subspan(8);
  while (options.size() >= 4) {
    const unsigned code = order_.u16(options.data());
    const std::size_t size = order_.u16(options.data() + 2);
    const std::size_t step = 4 + (size + 3) / 4 * 4;
    if (code == 0) break;
    if (step > options.size()) return window.damaged("an interface block's option is too long");
    if (code == 9 && size == 1) added.set_resolution(std::to_integer<unsigned>(options[4]));
    if (code == 14 && size == 8)
      added.offset_s = static_cast<std::int64_t>(order_.u64(options.data() + 4));
    options = options.subspan(step);
  }
  interfaces_.push_back(added);
  return {};
}

// Reads the obsolete packet block too, which has a drop count in the upper half of the interface
// field.
Result<void> Pcapng::enhanced_packet(const Window& window, const Block& block,
                                     Record& record) const {
  if (block.body.size() < kPacketHead) return window.damaged("a packet block is too short");
  const std::byte* at = block.body.data();
  const std::uint32_t number = block.type == kPacket ? order_.u16(at) : order_.u32(at);
  if (number >= interfaces_.size())
    return window.damaged(
        fmt::format("a packet of interface {}, of which there are {}", number, interfaces_.size()));
  const std::uint32_t captured = order_.u32(at + 12);
  if (captured > std::min<std::size_t>(block.body.size() - kPacketHead, kMaxRecordBytes))
    return window.damaged(fmt::format("a packet claims {} captured bytes in a block of {}",
                                      captured, block.body.size() + kBlockFrame));
  const Interface& interface = interfaces_[number];
  record.time_ns = interface.time_ns(std::uint64_t{order_.u32(at + 4)} << 32 | order_.u32(at + 8));
  record.data = {at + kPacketHead, captured};
  record.wire_bytes = order_.u32(at + 16);
  record.link_type = interface.link_type;
  return {};
}

// This block has neither a time stamp nor a captured length, which follows from the lengths of the
// block and of a snapshot.
Result<void> Pcapng::simple_packet(const Window& window, const Block& block, Record& record) const {
  if (block.body.size() < 4) return window.damaged("a packet block is too short");
  if (interfaces_.empty()) return window.damaged("a packet before any interface");
  record.time_ns = 0;
  record.wire_bytes = order_.u32(block.body.data());
  std::size_t captured = std::min<std::size_t>(record.wire_bytes, block.body.size() - 4);
  if (interfaces_[0].snap_bytes != 0)
    captured = std::min<std::size_t>(captured, interfaces_[0].snap_bytes);
  if (captured > kMaxRecordBytes)
    return window.damaged(fmt::format("a packet of {} captured bytes, more than the {} possible",
                                      captured, kMaxRecordBytes));
  record.data = block.body.subspan(4, captured);
  record.link_type = interfaces_[0].link_type;
  return {};
}

}  // namespace fw::capture
