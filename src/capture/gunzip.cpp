// SPDX-License-Identifier: MIT
// gzip (RFC 1952) as a source over a source, with zlib.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <utility>

#include "capture/source.hpp"

namespace fw::capture {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;

class GzipSource final : public Source {
 public:
  GzipSource(std::unique_ptr<Source> packed, std::string name)
      : packed_(std::move(packed)), name_(std::move(name)) {}
  ~GzipSource() override { (void)::inflateEnd(&stream_); }

  Result<void> start() {
    if (::inflateInit2(&stream_, kGzipOnly) != Z_OK) return fail(name_ + ": zlib: no memory");
    return {};
  }

  Result<std::size_t> read(std::span<std::byte> into) override {
    stream_.next_out = reinterpret_cast<Bytef*>(into.data());
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(into.size(), 1U << 30));
    const uInt room = stream_.avail_out;
    while (stream_.avail_out == room && !ended_) {
      if (auto more = advance(); !more) return std::unexpected(std::move(more.error()));
    }
    return room - stream_.avail_out;
  }

  std::uint64_t position_bytes() const override { return packed_->position_bytes(); }
  std::uint64_t size_bytes() const override { return packed_->size_bytes(); }
  bool cut() const override { return cut_; }

 private:
  // One step of the stream: a piece of output, the end of a member, or the end of all. zlib repeats
  // its error on the next call, so output that came with one is not lost.
  Result<void> advance() {
    if (auto more = refill(); !more) return more;
    if (between_members_) return next_member();
    const uInt room = stream_.avail_out;
    const int status = ::inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_STREAM_END) {
      between_members_ = true;
    } else if (status == Z_BUF_ERROR) {  // no input is left and the member has not ended
      ended_ = cut_ = true;
    } else if (status != Z_OK && stream_.avail_out == room) {
      return fail(fmt::format("{}: offset {}: damaged gzip data: {}", name_,
                              packed_->position_bytes() - stream_.avail_in,
                              stream_.msg != nullptr ? stream_.msg : "unknown reason"));
    }
    return {};
  }

  Result<void> next_member() {
    while (stream_.avail_in != 0 && *stream_.next_in == 0) {
      ++stream_.next_in;
      --stream_.avail_in;
    }
    if (auto more = refill(); !more) return more;
    if (stream_.avail_in == 0) {
      ended_ = true;
    } else if (*stream_.next_in == 0x1f) {
      between_members_ = false;
      (void)::inflateReset(&stream_);
    } else if (*stream_.next_in != 0) {
      return fail(fmt::format("{}: offset {}: no gzip data after the end of the compressed data",
                              name_, packed_->position_bytes() - stream_.avail_in));
    }
    return {};
  }

  Result<void> refill() {
    if (stream_.avail_in != 0) return {};
    auto got = packed_->read(std::as_writable_bytes(std::span(input_)));
    if (!got) return std::unexpected(std::move(got.error()));
    stream_.next_in = input_.data();
    stream_.avail_in = static_cast<uInt>(*got);
    return {};
  }

  std::unique_ptr<Source> packed_;
  std::string name_;
  z_stream stream_ = {};
  bool between_members_ = false, ended_ = false, cut_ = false;
  std::array<unsigned char, std::size_t{64} * 1024> input_ = {};
};

}  // namespace

Result<std::unique_ptr<Source>> gunzip(std::unique_ptr<Source> packed, const std::string& name) {
  auto made = std::make_unique<GzipSource>(std::move(packed), name);
  if (auto started = made->start(); !started) return std::unexpected(std::move(started.error()));
  return made;
}

}  // namespace fw::capture
