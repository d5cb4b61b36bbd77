// SPDX-License-Identifier: MIT
// Captures built in memory, in either byte order, good and bad.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace fw::test {

// Bytes of a file, put down one number after another.
class File {
 public:
  explicit File(bool big_endian = false) : big_endian_(big_endian) {}

  File& number(std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i)
      bytes_.push_back(static_cast<std::byte>(value >> 8 * (big_endian_ ? bytes - 1 - i : i)));
    return *this;
  }
  File& u16(unsigned value) { return number(value, 2); }
  File& u32(std::uint32_t value) { return number(value, 4); }
  File& u64(std::uint64_t value) { return number(value, 8); }
  File& text(std::string_view text) {
    for (const char c : text) bytes_.push_back(static_cast<std::byte>(c));
    return *this;
  }
  File& bytes(const std::vector<std::byte>& bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  File& pad() {
    while (bytes_.size() % 4 != 0) bytes_.push_back({});
    return *this;
  }

  // pcap
  File& pcap_head(std::uint32_t magic, std::uint32_t link = 1) {
    return u32(magic).u16(2).u16(4).u32(0).u32(0).u32(65535).u32(link);
  }
  File& pcap_record(std::uint32_t seconds, std::uint32_t fraction, std::string_view data,
                    std::uint32_t wire_bytes) {
    return u32(seconds)
        .u32(fraction)
        .u32(static_cast<std::uint32_t>(data.size()))
        .u32(wire_bytes)
        .text(data);
  }

  // pcapng
  File& block(std::uint32_t type, const File& body) {
    const auto size = static_cast<std::uint32_t>(body.get().size() + 12);
    return u32(type).u32(size).bytes(body.get()).u32(size);
  }
  [[nodiscard]] File body() const { return File(big_endian_); }
  File& section() { return block(0x0a0d0d0a, body().u32(0x1a2b3c4d).u16(1).u16(0).u64(~0ULL)); }
  File& interface(unsigned link, std::uint32_t snap_bytes = 0) {
    return block(1, body().u16(link).u16(0).u32(snap_bytes));
  }
  // With if_tsresol and if_tsoffset.
  File& interface(unsigned link, unsigned resolution, std::int64_t offset_s) {
    File options = body().u16(link).u16(0).u32(0);
    options.u16(2).u16(3).text("eth").pad().u16(9).u16(1).number(resolution, 1).pad();
    options.u16(14).u16(8).u64(static_cast<std::uint64_t>(offset_s)).u16(0).u16(0);
    return block(1, options);
  }
  File& enhanced(std::uint32_t number, std::uint64_t ticks, std::string_view data,
                 std::uint32_t wire_bytes) {
    File packet = body().u32(number).u32(static_cast<std::uint32_t>(ticks >> 32));
    packet.u32(static_cast<std::uint32_t>(ticks)).u32(static_cast<std::uint32_t>(data.size()));
    return block(6, packet.u32(wire_bytes).text(data).pad());
  }
  File& obsolete(unsigned number, std::uint64_t ticks, std::string_view data,
                 std::uint32_t wire_bytes) {
    File packet = body().u16(number).u16(7).u32(static_cast<std::uint32_t>(ticks >> 32));
    packet.u32(static_cast<std::uint32_t>(ticks)).u32(static_cast<std::uint32_t>(data.size()));
    return block(2, packet.u32(wire_bytes).text(data).pad());
  }
  File& simple(std::string_view data, std::uint32_t wire_bytes) {
    return block(3, body().u32(wire_bytes).text(data).pad());
  }

  // One gzip member.
  [[nodiscard]] std::vector<std::byte> gzipped() const {
    std::vector<std::byte> out(bytes_.size() + 1000);
    z_stream stream = {};
    if (deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      return {};
    std::vector<std::byte> in = bytes_;
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int status = deflate(&stream, Z_FINISH);
    out.resize(status == Z_STREAM_END ? stream.total_out : 0);
    (void)deflateEnd(&stream);
    return out;
  }

  [[nodiscard]] const std::vector<std::byte>& get() const { return bytes_; }

 private:
  bool big_endian_;
  std::vector<std::byte> bytes_;
};

}  // namespace fw::test
