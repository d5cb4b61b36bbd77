// SPDX-License-Identifier: MIT
#include "replay/verdict_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace fw::replay {
namespace {

constexpr std::size_t kFlushBytes = std::size_t{256} * 1024;
constexpr std::size_t kLineBytes = 128;  // more than any line has

}  // namespace

Result<VerdictFile> VerdictFile::create(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd.valid()) return fail_errno("create " + path, errno);
  return VerdictFile(std::move(fd), path);
}

VerdictFile::VerdictFile(UniqueFd fd, std::string path)
    : fd_(std::move(fd)), path_(std::move(path)) {
  pending_.reserve(kFlushBytes + kLineBytes);
  for (unsigned reason = 0; reason < kOutcomes; ++reason) {
    tails_.at(reason) = "\tpass\t" + outcome_word(reason) + "\n";
    tails_.at(kOutcomes + reason) = "\tdrop\t" + outcome_word(reason) + "\n";
  }
}

void VerdictFile::add(const Outcome& outcome) {
  pending_ += index_;
  pending_ += tails_.at((outcome.drop ? kOutcomes : 0) + outcome.reason);
  count_up();
  if (pending_.size() >= kFlushBytes) flush();
}

void VerdictFile::count_up() {
  for (std::size_t at = index_.size(); at-- > 0;) {
    if (++index_[at] <= '9') return;
    index_[at] = '0';
  }
  index_.insert(index_.begin(), '1');
}

void VerdictFile::flush() {
  std::size_t done = 0;
  while (error_ == 0 && done < pending_.size()) {
    const ssize_t wrote = ::write(fd_.get(), pending_.data() + done, pending_.size() - done);
    if (wrote < 0 && errno != EINTR) error_ = errno;
    if (wrote > 0) done += static_cast<std::size_t>(wrote);
  }
  pending_.clear();
}

Result<void> VerdictFile::close() {
  flush();
  if (fd_.valid() && ::close(fd_.release()) != 0 && error_ == 0) error_ = errno;
  if (error_ != 0) return fail_errno("write " + path_, error_);
  return {};
}

}  // namespace fw::replay
