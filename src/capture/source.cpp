// SPDX-License-Identifier: MIT
// zlib's file functions, which pass through what is not compressed.
#include "capture/source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

namespace fw::capture {
namespace {

// zlib returns no data of a call that meets damage. So little is asked for at once; twice zlib's
// own buffer, so that it unpacks into that.
constexpr unsigned kBufferBytes = 8 * 1024;
constexpr unsigned kPieceBytes = 2 * kBufferBytes - 1;
constexpr unsigned kMostBytes = 1U << 30;  // gzread() returns an int

// What zlib says, without the name that it gives a file opened by its descriptor.
std::string_view without_name(std::string_view message) {
  const std::size_t colon = message.find(": ");
  return colon == std::string_view::npos ? message : message.substr(colon + 2);
}

}  // namespace

void Source::Close::operator()(gzFile_s* file) const {
  (void)::gzclose_r(file);
}

Source::Source(std::unique_ptr<gzFile_s, Close> file, std::uint64_t size_bytes, std::string name)
    : file_(std::move(file)), size_bytes_(size_bytes), name_(std::move(name)) {}

Result<Source> Source::from_fd(UniqueFd fd, std::uint64_t size_bytes, const std::string& name) {
  std::unique_ptr<gzFile_s, Close> file(::gzdopen(fd.get(), "rb"));
  if (!file) return fail(name + ": zlib: no memory");
  (void)fd.release();
  (void)::gzbuffer(file.get(), kBufferBytes);
  return Source(std::move(file), size_bytes, name);
}

Result<Source> Source::open(const std::string& path, const std::string& name) {
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
  return from_fd(std::move(fd), size, name);
}

Result<Source> Source::from_memory(std::span<const std::byte> data, const std::string& name) {
  UniqueFd fd(::memfd_create("capture", MFD_CLOEXEC));
  if (!fd.valid()) return fail_errno(name, errno);
  for (std::span<const std::byte> left = data; !left.empty();) {
    const ssize_t wrote = ::write(fd.get(), left.data(), left.size());
    if (wrote < 0) return fail_errno(name, errno);
    left = left.subspan(static_cast<std::size_t>(wrote));
  }
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return fail_errno(name, errno);
  return from_fd(std::move(fd), data.size(), name);
}

Result<std::size_t> Source::read(std::span<std::byte> into) {
  const unsigned most = ::gzdirect(file_.get()) != 0 ? kMostBytes : kPieceBytes;
  const int got = ::gzread(file_.get(), into.data(),
                           static_cast<unsigned>(std::min<std::size_t>(into.size(), most)));
  if (got >= 0) return static_cast<std::size_t>(got);
  int error = Z_OK;
  const std::string_view why = without_name(::gzerror(file_.get(), &error));
  if (error != Z_DATA_ERROR) return fail(fmt::format("{}: {}", name_, why));
  const bool has_offset = ::gzoffset(file_.get()) >= 0;  // not in a pipe
  return fail(fmt::format("{}: {}damaged gzip data: {}", name_,
                          has_offset ? fmt::format("offset {}: ", position_bytes()) : "", why));
}

std::uint64_t Source::position_bytes() const {
  return static_cast<std::uint64_t>(std::max<z_off_t>(::gzoffset(file_.get()), 0));
}

bool Source::cut() const {
  int error = Z_OK;
  (void)::gzerror(file_.get(), &error);
  return error == Z_BUF_ERROR;
}

}  // namespace fw::capture
