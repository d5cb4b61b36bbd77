// SPDX-License-Identifier: MIT
// Plain sources: a descriptor, bytes in memory, and bytes put back in front of another source.
#include "capture/source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/fd.hpp"

namespace fw::capture {
namespace {

class FileSource final : public Source {
 public:
  FileSource(UniqueFd fd, std::uint64_t size_bytes, std::string name)
      : fd_(std::move(fd)), size_bytes_(size_bytes), name_(std::move(name)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    while (true) {
      const ssize_t got = ::read(fd_.get(), into.data(), into.size());
      const int error = errno;
      if (got < 0 && error == EINTR) continue;
      if (got < 0) return fail_errno(name_, error);
      position_bytes_ += static_cast<std::uint64_t>(got);
      return static_cast<std::size_t>(got);
    }
  }
  std::uint64_t position_bytes() const override { return position_bytes_; }
  std::uint64_t size_bytes() const override { return size_bytes_; }

 private:
  UniqueFd fd_;
  std::uint64_t size_bytes_, position_bytes_ = 0;
  std::string name_;
};

class MemorySource final : public Source {
 public:
  explicit MemorySource(std::span<const std::byte> data) : data_(data) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    const std::size_t n = std::min(into.size(), data_.size() - at_);
    if (n != 0) std::memcpy(into.data(), data_.data() + at_, n);
    at_ += n;
    return n;
  }
  std::uint64_t position_bytes() const override { return at_; }
  std::uint64_t size_bytes() const override { return data_.size(); }

 private:
  std::span<const std::byte> data_;
  std::size_t at_ = 0;
};

class JoinedSource final : public Source {
 public:
  JoinedSource(std::span<const std::byte> first, std::unique_ptr<Source> rest)
      : first_(first.begin(), first.end()), rest_(std::move(rest)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    if (at_ == first_.size()) return rest_->read(into);
    const std::size_t n = std::min(into.size(), first_.size() - at_);
    std::memcpy(into.data(), first_.data() + at_, n);
    at_ += n;
    return n;
  }
  std::uint64_t position_bytes() const override {
    return rest_->position_bytes() - (first_.size() - at_);
  }
  std::uint64_t size_bytes() const override { return rest_->size_bytes(); }
  bool cut() const override { return rest_->cut(); }

 private:
  std::vector<std::byte> first_;
  std::size_t at_ = 0;
  std::unique_ptr<Source> rest_;
};

}  // namespace

Result<std::unique_ptr<Source>> open_file(const std::string& path, const std::string& name) {
  UniqueFd fd(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                          : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno(name, errno);
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0) return fail_errno(name, errno);
  if (S_ISDIR(status.st_mode)) return fail(name + ": not a capture: a folder");
  std::uint64_t size = 0;
  if (S_ISREG(status.st_mode)) {
    size = static_cast<std::uint64_t>(status.st_size);
    (void)::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  return std::make_unique<FileSource>(std::move(fd), size, name);
}

std::unique_ptr<Source> from_memory(std::span<const std::byte> data) {
  return std::make_unique<MemorySource>(data);
}

std::unique_ptr<Source> joined(std::span<const std::byte> first, std::unique_ptr<Source> rest) {
  return std::make_unique<JoinedSource>(first, std::move(rest));
}

}  // namespace fw::capture
