// SPDX-License-Identifier: MIT
// Writes Ethernet captures as pcap with nanoseconds, which every tool reads.
//
// Thread rule: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace fw::capture {

// The format itself, for captures that are built in memory.
void append_header(std::vector<std::byte>& to);
// `data` is cut to kMaxRecordBytes. Times after the year 2106 wrap, as the format has them.
void append_record(std::vector<std::byte>& to, std::uint64_t time_ns,
                   std::span<const std::byte> data, std::uint32_t wire_bytes);

class Writer {
 public:
  // Creates or replaces the file, readable by its owner only, for it holds other people's traffic.
  [[nodiscard]] static Result<Writer> create(const std::string& path);

  Writer(Writer&&) noexcept = default;
  Writer& operator=(Writer&&) = delete;
  // Writes what is buffered; only close() reports whether that worked.
  ~Writer();

  // After an error the file is incomplete, and every further call fails.
  [[nodiscard]] Result<void> write(std::uint64_t time_ns, std::span<const std::byte> data,
                                   std::uint32_t wire_bytes);
  // Writes what is buffered, so that a reader of the file sees it.
  [[nodiscard]] Result<void> flush();
  [[nodiscard]] Result<void> close();

  // Size of the file with what is still buffered.
  [[nodiscard]] std::uint64_t size_bytes() const { return written_bytes_ + pending_.size(); }

 private:
  Writer(UniqueFd fd, std::string path);

  UniqueFd fd_;
  std::string path_;
  std::vector<std::byte> pending_;
  std::uint64_t written_bytes_ = 0;
};

}  // namespace fw::capture
