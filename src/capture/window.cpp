// SPDX-License-Identifier: MIT
// Refilling: the bytes that are left move to the front of the buffer, which grows only for a large
// block.
#include "capture/window.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fw::capture {
namespace {

// Fits into a second-level cache, and is large enough that the cost of a read() does not matter.
constexpr std::size_t kBufferBytes = std::size_t{256} * 1024;

}  // namespace

Window::Window(Source source, std::string name)
    : source_(std::move(source)),
      name_(std::move(name)),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(kBufferBytes)),
      capacity_(kBufferBytes),
      begin_(buffer_.get()),
      end_(begin_) {}

Result<void> Window::refill(std::size_t n) {
  if (size() >= n) return {};
  const std::size_t left = size();
  if (n > capacity_) {
    const std::size_t grown = std::max(n, 2 * capacity_);
    auto larger = std::make_unique_for_overwrite<std::byte[]>(grown);
    std::memcpy(larger.get(), begin_, left);
    buffer_ = std::move(larger);
    capacity_ = grown;
  } else {
    std::memmove(buffer_.get(), begin_, left);
  }
  begin_ = buffer_.get();
  end_ = begin_ + left;
  while (size() < n) {
    auto got = source_.read({buffer_.get() + size(), capacity_ - size()});
    if (!got) return std::unexpected(std::move(got.error()));
    if (*got == 0) break;
    end_ += *got;
    read_bytes_ += *got;
  }
  return {};
}

std::unexpected<Error> Window::damaged(std::string_view what) const {
  return fail(fmt::format("{}: offset {}: {}", name_, offset(), what));
}

}  // namespace fw::capture
