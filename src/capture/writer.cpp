// SPDX-License-Identifier: MIT
// pcap in the byte order of this machine; the format allows either.
#include "capture/writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "capture/reader.hpp"

namespace fw::capture {
namespace {

constexpr std::size_t kFlushBytes = std::size_t{256} * 1024;
constexpr std::uint64_t kSecond = 1'000'000'000;

struct FileHeader {
  std::uint32_t magic = 0xa1b23c4d;  // with nanoseconds
  std::uint16_t major = 2, minor = 4;
  std::uint32_t reserved[2] = {};
  std::uint32_t snap_bytes = kMaxRecordBytes;
  std::uint32_t link_type = 1;  // Ethernet
};
static_assert(sizeof(FileHeader) == 24);

struct RecordHeader {
  std::uint32_t seconds, nanoseconds, captured_bytes, wire_bytes;
};
static_assert(sizeof(RecordHeader) == 16);

void append(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const std::size_t at = to.size();
  to.resize(at + bytes.size());
  std::memcpy(to.data() + at, bytes.data(), bytes.size());
}

}  // namespace

void append_header(std::vector<std::byte>& to) {
  const FileHeader header;
  append(to, std::as_bytes(std::span(&header, 1)));
}

void append_record(std::vector<std::byte>& to, std::uint64_t time_ns,
                   std::span<const std::byte> data, std::uint32_t wire_bytes) {
  data = data.first(std::min<std::size_t>(data.size(), kMaxRecordBytes));
  const RecordHeader header = {.seconds = static_cast<std::uint32_t>(time_ns / kSecond),
                               .nanoseconds = static_cast<std::uint32_t>(time_ns % kSecond),
                               .captured_bytes = static_cast<std::uint32_t>(data.size()),
                               .wire_bytes = wire_bytes};
  append(to, std::as_bytes(std::span(&header, 1)));
  append(to, data);
}

Result<Writer> Writer::create(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd.valid()) return fail_errno("create " + path, errno);
  return Writer(std::move(fd), path);
}

Writer::Writer(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {
  append_header(pending_);
}

Writer::~Writer() {
  if (!fd_.valid()) return;
  [[maybe_unused]] const auto flushed = flush();  // nobody is left to be told
}

Result<void> Writer::write(std::uint64_t time_ns, std::span<const std::byte> data,
                           std::uint32_t wire_bytes) {
  if (!fd_.valid()) return fail("write " + path_ + ": closed, or failed before");
  append_record(pending_, time_ns, data, wire_bytes);
  return pending_.size() < kFlushBytes ? Result<void>() : flush();
}

Result<void> Writer::flush() {
  if (!fd_.valid()) return fail("write " + path_ + ": closed, or failed before");
  std::size_t done = 0;
  while (done < pending_.size()) {
    const ssize_t wrote = ::write(fd_.get(), pending_.data() + done, pending_.size() - done);
    const int error = errno;
    if (wrote < 0 && error == EINTR) continue;
    if (wrote < 0) {
      fd_ = UniqueFd();
      return fail_errno("write " + path_, error);
    }
    done += static_cast<std::size_t>(wrote);
  }
  written_bytes_ += done;
  pending_.clear();
  return {};
}

Result<void> Writer::close() {
  if (!fd_.valid()) return fail("write " + path_ + ": closed, or failed before");
  if (auto flushed = flush(); !flushed) return flushed;
  if (::close(fd_.release()) != 0) return fail_errno("write " + path_, errno);
  return {};
}

}  // namespace fw::capture
