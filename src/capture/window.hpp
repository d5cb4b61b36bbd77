// SPDX-License-Identifier: MIT
// The part of a capture at hand: consecutive bytes from the current position, refilled from a
// source. Its memory is bounded by the largest refill() asked for, not by the file.
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
  Window(std::unique_ptr<Source> source, std::string name);

  // What is at hand; pointers into it hold until the next refill().
  [[nodiscard]] const std::byte* data() const { return begin_; }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end_ - begin_); }

  // Tries to have n bytes at hand; fewer are there afterwards only if the data ends before. After
  // an error the bytes at hand are still the same.
  [[nodiscard]] Result<void> refill(std::size_t n);
  // n <= size().
  void skip(std::size_t n) { begin_ += n; }

  // The data ends within something.
  void mark_cut() { cut_ = true; }
  [[nodiscard]] bool cut() const { return cut_ || source_->cut(); }

  // What is at hand and after it, as a source again.
  [[nodiscard]] std::unique_ptr<Source> rest() &&;

  // From the start of the (unpacked) data.
  [[nodiscard]] std::uint64_t offset() const { return read_bytes_ - size(); }
  [[nodiscard]] const Source& source() const { return *source_; }
  [[nodiscard]] const std::string& name() const { return name_; }

  // "NAME: offset 123: WHAT", at the current position.
  [[nodiscard]] std::unexpected<Error> damaged(std::string_view what) const;

 private:
  std::unique_ptr<Source> source_;
  std::string name_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t capacity_;
  const std::byte* begin_;
  const std::byte* end_;
  std::uint64_t read_bytes_ = 0;
  bool cut_ = false;
};

// Numbers of a file whose byte order is known only when it is read.
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
