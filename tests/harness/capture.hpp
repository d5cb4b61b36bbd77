// SPDX-License-Identifier: MIT
// Writes capture files for tests and demonstrations, with times from a fixed start.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

#include "capture/writer.hpp"
#include "harness/packet.hpp"
#include "harness/temporary_folder.hpp"

namespace fw::test {

inline constexpr std::uint64_t kSecond = 1'000'000'000;
inline constexpr std::uint64_t kFirstSecond = 1'777'636'800;  // 2026-05-01T12:00:00Z

// Ends the program if the file cannot be written.
class CaptureFile {
 public:
  explicit CaptureFile(const std::filesystem::path& path)
      : path_(path), writer_(capture::Writer::create(path).value()) {}

  void add(std::uint64_t since_start_ns, const Packet& packet) {
    add(since_start_ns, packet.bytes(), packet.wire_bytes());
  }
  void add(std::uint64_t since_start_ns, std::span<const fw_u8> bytes, std::uint32_t wire_bytes) {
    if (!writer_.write(kFirstSecond * kSecond + since_start_ns, std::as_bytes(bytes), wire_bytes))
      std::abort();
  }
  // A second call does nothing.
  void close() {
    if (open_ && !writer_.close()) std::abort();
    open_ = false;
  }
  [[nodiscard]] std::string path() const { return path_.native(); }

 private:
  std::filesystem::path path_;
  capture::Writer writer_;
  bool open_ = true;
};

}  // namespace fw::test
