// SPDX-License-Identifier: MIT
// The pcapng format: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html. A file has
// sections, each with its own byte order and interfaces, and a section has blocks. Only blocks with
// packets or interfaces are read, the others are skipped.
//
// Thread rule: one thread at a time.
#pragma once

#include <vector>

#include "base/error.hpp"
#include "capture/record.hpp"
#include "capture/window.hpp"

namespace fw::capture {

class Pcapng {
 public:
  [[nodiscard]] static bool recognizes(std::span<const std::byte, 4> magic);
  // Reads the first section header. `window` is at the start of data that it recognizes.
  [[nodiscard]] static Result<Pcapng> start(Window& window);

  // As Reader::next(), without record.index.
  [[nodiscard]] Result<bool> next(Window& window, Record& record);

 private:
  struct Interface {
    std::uint16_t link_type = 0;
    std::uint32_t snap_bytes = 0;  // 0: no limit
    // ns since 1970 = (ticks * multiply / divide >> shift) + offset_s * 10^9
    std::uint64_t multiply = 1000, divide = 1;
    unsigned shift = 0;
    std::int64_t offset_s = 0;

    void set_resolution(unsigned octet);
    [[nodiscard]] std::uint64_t time_ns(std::uint64_t ticks) const;
  };

  // The current block: `body` is what lies between its header and the repetition of its length.
  struct Block {
    std::uint32_t type = 0;
    std::span<const std::byte> body;
  };

  [[nodiscard]] Result<bool> next_block(Window& window, Block& block);
  [[nodiscard]] Result<void> read_section(const Window& window);
  [[nodiscard]] Result<void> add_interface(const Window& window, const Block& block);
  [[nodiscard]] Result<void> enhanced_packet(const Window& window, const Block& block,
                                             Record& record) const;
  [[nodiscard]] Result<void> simple_packet(const Window& window, const Block& block,
                                           Record& record) const;

  ByteOrder order_;
  std::vector<Interface> interfaces_;
};

}  // namespace fw::capture
