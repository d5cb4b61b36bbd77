// SPDX-License-Identifier: MIT
// A window on the bytes of a capture: consecutive bytes from the current position, refilled from a
// source. Its memory is bounded by the largest refill(), not by the size of the file.
//
// Thread rule: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "capture/source.hpp"

namespace fw::capture {

class Window {
 public:
  Window(Source source, std::string name);

  // The bytes of the window; pointers into it are valid until the next refill().
  [[nodiscard]] const std::byte* data() const { return begin_; }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end_ - begin_); }

  // Extends the window to n bytes; it is shorter only if the data ends before. After an error the
  // window is unchanged.
  [[nodiscard]] Result<void> refill(std::size_t n);
  // n <= size().
  void skip(std::size_t n) { begin_ += n; }

  // The caller found that the data ends within a record.
  void mark_cut() { cut_ = true; }
  [[nodiscard]] bool cut() const { return cut_ || source_.cut(); }

  // Of the window, from the start of the (unpacked) data.
  [[nodiscard]] std::uint64_t offset() const { return read_bytes_ - size(); }
  [[nodiscard]] const Source& source() const { return source_; }
  [[nodiscard]] const std::string& name() const { return name_; }

  // "NAME: offset 123: WHAT", at the current position.
  [[nodiscard]] std::unexpected<Error> damaged(std::string_view what) const;

 private:
  Source source_;
  std::string name_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t capacity_;
  const std::byte* begin_;
  const std::byte* end_;
  std::uint64_t read_bytes_ = 0;
  bool cut_ = false;
};

// Reads the integers of a file whose byte order is known only at run time.
struct ByteOrder {
  bool swapped = false;

  [[nodiscard]] std::uint16_t u16(const std::byte* at) const {
    std::uint16_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return swapped ? __builtin_bswap16(value) : value;
  }
  [[nodiscard]] std::uint32_t u32(const std::byte* at) const {
    std::uint32_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return swapped ? __builtin_bswap32(value) : value;
  }
  [[nodiscard]] std::uint64_t u64(const std::byte* at) const {
    std::uint64_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return swapped ? __builtin_bswap64(value) : value;
  }
};

}  // namespace fw::capture
