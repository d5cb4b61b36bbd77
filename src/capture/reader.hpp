// SPDX-License-Identifier: MIT
// Reads packet captures as a stream: pcap and pcapng of any byte order and clock resolution, also
// gzip-compressed. Memory does not depend on the file's size. The time stamps are the capture's:
// they may stand still, step back and jump by years.
//
// A file that ends within a record was cut: the records before the cut are read, without an error.
// A file that contradicts itself is damaged: an error says where and how.
//
// Thread rule: one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "capture/record.hpp"

namespace fw::capture {

class Reader {
 public:
  // "-" is standard input. Fails if there is nothing to read, or no capture: the message says what
  // it looks like instead. A capture without packets is no error.
  [[nodiscard]] static Result<Reader> open(const std::string& path);
  // The same for bytes in memory, which are copied.
  [[nodiscard]] static Result<Reader> from_memory(std::span<const std::byte> data,
                                                  const std::string& name = "capture");

  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  // The next packet, or false at the end. The error of a damaged file names it, the offset in the
  // (unpacked) data, and what is wrong; the packets before it were read. After false or an error
  // every further call gives the same.
  [[nodiscard]] Result<bool> next(Record& record);

  // After next() returned false: the file ends within a record (or within a compressed stream).
  [[nodiscard]] bool cut() const;

  // How much of the file was read, 0 to 1; nothing for a pipe.
  [[nodiscard]] std::optional<double> progress() const;

 private:
  struct State;
  explicit Reader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace fw::capture
