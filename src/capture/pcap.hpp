// SPDX-License-Identifier: MIT
// The pcap format: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html, and Kuznetzov's
// variant of it, whose record headers have 8 more bytes.
//
// Thread rule: one thread at a time.
#pragma once

#include "base/error.hpp"
#include "capture/record.hpp"
#include "capture/window.hpp"

namespace fw::capture {

class Pcap {
 public:
  // Whether a file that begins with these bytes is one.
  [[nodiscard]] static bool recognizes(std::span<const std::byte, 4> magic);
  // Reads the file header. `window` is at the start of data that it recognizes.
  [[nodiscard]] static Result<Pcap> start(Window& window);

  // As Reader::next(), without record.index.
  [[nodiscard]] Result<bool> next(Window& window, Record& record);

 private:
  ByteOrder order_;
  std::uint32_t unit_ns_ = 1000;
  std::uint32_t header_bytes_ = 16;
  std::uint16_t link_type_ = 0;
};

}  // namespace fw::capture
