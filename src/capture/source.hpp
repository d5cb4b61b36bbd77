// SPDX-License-Identifier: MIT
// Where a capture's bytes come from: a file or standard input, plain or gzip-compressed. Nothing is
// held but a fixed buffer. One thread per source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/error.hpp"

namespace fw::capture {

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  // Fills the front of `into` (not empty) and returns how much of it; 0 at the end. After an error
  // every further call fails.
  [[nodiscard]] virtual Result<std::size_t> read(std::span<std::byte> into) = 0;
  // How much of the file was read so far, as it is stored.
  [[nodiscard]] virtual std::uint64_t position_bytes() const = 0;
  // 0: unknown (a pipe).
  [[nodiscard]] virtual std::uint64_t size_bytes() const = 0;
  // The end that read() reported is a cut: the compressed stream has no end of its own.
  [[nodiscard]] virtual bool cut() const { return false; }
};

// `name` is for messages. "-" as path is standard input.
[[nodiscard]] Result<std::unique_ptr<Source>> open_file(const std::string& path,
                                                        const std::string& name);

// Borrows `data`.
[[nodiscard]] std::unique_ptr<Source> from_memory(std::span<const std::byte> data);

// `packed` from its start; gzip members one after another, and zeros behind the last, as gzip
// itself reads them. Anything else behind it is an error.
[[nodiscard]] Result<std::unique_ptr<Source>> gunzip(std::unique_ptr<Source> packed,
                                                     const std::string& name);

// A source that gives `first` and then what `rest` gives: puts back what was read to look at it.
[[nodiscard]] std::unique_ptr<Source> joined(std::span<const std::byte> first,
                                             std::unique_ptr<Source> rest);

}  // namespace fw::capture
