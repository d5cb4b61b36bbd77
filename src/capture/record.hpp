// SPDX-License-Identifier: MIT
// One packet of a capture, whatever its format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fw::capture {

// A longer record, or a larger block of a pcapng file, counts as damage. 256 KiB is the largest
// snap length that tcpdump takes; the limit of a block is judgement.
constexpr std::uint32_t kMaxRecordBytes = 256 * 1024;
constexpr std::uint32_t kMaxBlockBytes = 16 * 1024 * 1024;

struct Record {
  std::uint64_t time_ns = 0;        // since 1970; 0 where the file has no time stamp
  std::span<const std::byte> data;  // as captured; valid until the next call of next()
  std::uint32_t wire_bytes = 0;     // as the file says; damaged files may say less than data has
  std::uint16_t link_type = 0;      // LINKTYPE_* number
  std::uint64_t index = 0;          // in file order, from 0
};

}  // namespace fw::capture
