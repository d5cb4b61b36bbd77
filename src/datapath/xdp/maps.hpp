// SPDX-License-Identifier: MIT
// BPF array maps, mapped into this process.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "base/error.hpp"

namespace fw::datapath::xdp {

// An ARRAY map, mapped for writing. The memory is the kernel's: a write is in force at once.
class MappedArray {
 public:
  MappedArray() = default;
  MappedArray(MappedArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedArray& operator=(MappedArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  MappedArray(const MappedArray&) = delete;
  MappedArray& operator=(const MappedArray&) = delete;
  ~MappedArray();

  // `fd` may be closed afterwards.
  [[nodiscard]] static Result<MappedArray> map(int fd, std::size_t size_bytes);

  template <typename T>
  [[nodiscard]] std::span<T> as() const {
    return {static_cast<T*>(data_), size_ / sizeof(T)};
  }
  [[nodiscard]] std::size_t size_bytes() const { return size_; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace fw::datapath::xdp
