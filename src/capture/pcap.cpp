// SPDX-License-Identifier: MIT
// The pcap format: one header, then records.
#include "capture/pcap.hpp"

#include <fmt/format.h>

#include <utility>

namespace fw::capture {
namespace {

constexpr std::size_t kFileHeaderBytes = 24;
constexpr std::uint64_t kSecond = 1'000'000'000;

struct Variant {
  std::uint32_t magic, unit_ns, header_bytes;
};
constexpr Variant kVariants[] = {
    {0xa1b2c3d4, 1000, 16}, {0xa1b23c4d, 1, 16}, {0xa1b2cd34, 1000, 24},  // Kuznetzov's
};

const Variant* find_variant(std::uint32_t magic) {
  for (const Variant& variant : kVariants)
    if (variant.magic == magic) return &variant;
  return nullptr;
}

}  // namespace

bool Pcap::recognizes(std::span<const std::byte, 4> magic) {
  return find_variant(ByteOrder{false}.u32(magic.data())) != nullptr ||
         find_variant(ByteOrder{true}.u32(magic.data())) != nullptr;
}

Result<Pcap> Pcap::start(Window& window) {
  if (auto more = window.refill(kFileHeaderBytes); !more)
    return std::unexpected(std::move(more.error()));
  if (window.size() < kFileHeaderBytes)
    return fail(
        fmt::format("{}: not a capture: ends within the head of a pcap file ({} of {} bytes)",
                    window.name(), window.size(), kFileHeaderBytes));
  Pcap made;
  const Variant* variant = find_variant(made.order_.u32(window.data()));
  if (variant == nullptr) {
    made.order_.swapped = true;
    variant = find_variant(made.order_.u32(window.data()));
  }
  if (variant == nullptr) return fail(window.name() + ": not a capture");
  made.unit_ns_ = variant->unit_ns;
  made.header_bytes_ = variant->header_bytes;
  // The upper half has the length of the frame check sequence, if any.
  made.link_type_ = static_cast<std::uint16_t>(made.order_.u32(window.data() + 20));
  window.skip(kFileHeaderBytes);
  return made;
}

Result<bool> Pcap::next(Window& window, Record& record) {
  if (window.size() < header_bytes_) {
    if (auto more = window.refill(header_bytes_); !more)
      return std::unexpected(std::move(more.error()));
    if (window.size() < header_bytes_) {
      if (window.size() != 0) window.mark_cut();
      return false;
    }
  }
  const std::uint32_t captured = order_.u32(window.data() + 8);
  if (captured > kMaxRecordBytes)
    return window.damaged(fmt::format(
        "a record claims {} captured bytes, more than the {} possible", captured, kMaxRecordBytes));
  if (window.size() < header_bytes_ + captured) {
    if (auto more = window.refill(header_bytes_ + captured); !more)
      return std::unexpected(std::move(more.error()));
    if (window.size() < header_bytes_ + captured) {
      window.mark_cut();
      return false;
    }
  }
  const std::byte* header = window.data();
  record.time_ns = order_.u32(header) * kSecond + std::uint64_t{order_.u32(header + 4)} * unit_ns_;
  record.data = {header + header_bytes_, captured};
  record.wire_bytes = order_.u32(header + 12);
  record.link_type = link_type_;
  window.skip(header_bytes_ + captured);
  return true;
}

}  // namespace fw::capture
