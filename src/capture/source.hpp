// SPDX-License-Identifier: MIT
// Where a capture's bytes come from: a file or standard input, plain or gzip-compressed. zlib's
// gzread() unpacks: gzip members one after another are one file, and what follows the last member
// is ignored, as gzip itself does. Memory does not depend on the file's size.
//
// Thread rule: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"

struct gzFile_s;

namespace fw::capture {

class Source {
 public:
  // "-" as path is standard input. `name` is what messages call it.
  [[nodiscard]] static Result<Source> open(const std::string& path, const std::string& name);
  // Copies `data`.
  [[nodiscard]] static Result<Source> from_memory(std::span<const std::byte> data,
                                                  const std::string& name);

  // Fills the front of `into` (not empty) and returns the number of bytes; 0 at the end. After an
  // error every further call fails. Up to 16 KiB before damaged gzip data are lost with them.
  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> into);
  // How much of the file was read so far, as it is stored; 0 in a pipe.
  [[nodiscard]] std::uint64_t position_bytes() const;
  // 0: unknown (a pipe).
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
  // After read() returned 0: the compressed stream ends within a member.
  [[nodiscard]] bool cut() const;

 private:
  struct Close {
    void operator()(gzFile_s* file) const;
  };
  Source(std::unique_ptr<gzFile_s, Close> file, std::uint64_t size_bytes, std::string name);
  [[nodiscard]] static Result<Source> from_fd(UniqueFd fd, std::uint64_t size_bytes,
                                              const std::string& name);

  std::unique_ptr<gzFile_s, Close> file_;
  std::uint64_t size_bytes_;
  std::string name_;
};

}  // namespace fw::capture
