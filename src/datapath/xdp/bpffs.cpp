// SPDX-License-Identifier: MIT
#include "datapath/xdp/bpffs.hpp"

#include <linux/magic.h>

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <vector>

#include "datapath/xdp/transient.hpp"

namespace fw::datapath::xdp {

namespace {

// The beginning of the name of a pin that is being made. pinned_interfaces() skips it, as it has no
// direction.
constexpr std::string_view kUnfinished = "new";
constexpr int kAttempts = 3;

bool is_bpffs(const std::filesystem::path& path) {
  struct statfs info{};
  return statfs(path.c_str(), &info) == 0 &&
         static_cast<unsigned long>(info.f_type) == BPF_FS_MAGIC;
}

}  // namespace

Result<void> prepare_pins(const std::filesystem::path& folder) {
  const std::filesystem::path root = "/sys/fs/bpf";
  if (folder.string().starts_with(root.string()) && !is_bpffs(root) &&
      mount("bpf", root.c_str(), "bpf", 0, "mode=0700") != 0) {
    auto failed = fail_call("mount the BPF file system at /sys/fs/bpf", errno);
    failed.error().message += "; mount it by hand: mount -t bpf bpf /sys/fs/bpf";
    return failed;
  }
  std::error_code error;
  std::filesystem::create_directories(folder / "maps", error);
  if (!error) std::filesystem::create_directories(folder / "links", error);
  if (error) return fail(folder.string() + ": " + error.message());
  if (!is_bpffs(folder))
    return fail(folder.string() + " is not in a BPF file system: mount -t bpf bpf /sys/fs/bpf");
  return {};
}

Result<bool> remove_folder(const std::filesystem::path& folder) {
  struct stat info{};
  if (::stat(folder.c_str(), &info) != 0 && errno == ENOENT) return false;
  const bool ours = info.st_uid == ::geteuid();
  bool any = ours;
  std::error_code error;
  // A daemon that obeys `--remove` may take the same away at the same time.
  for (int attempt = 0; attempt < kAttempts; attempt++) {
    error.clear();
    std::vector<std::filesystem::path> found;
    for (const auto& each : std::filesystem::directory_iterator(folder, error))
      found.push_back(each.path());
    for (const std::filesystem::path& each : found) {
      any = true;
      if (!error) std::filesystem::remove_all(each, error);
    }
    if (error != std::errc::no_such_file_or_directory) break;
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(folder.string() + ": " + error.message());
  if (ours && ::rmdir(folder.c_str()) != 0 && errno != EBUSY && errno != EROFS && errno != ENOENT)
    return fail_call("remove " + folder.string(), errno);
  return any;
}

UniqueFd open_pin(const std::filesystem::path& path) {
  return UniqueFd{bpf_obj_get(path.c_str())};
}

Result<void> Pin::make(int fd) {
  // Under another name first: a start that dies in between leaves the former pin.
  const std::filesystem::path made =
      path_.parent_path() / fmt::format("{}-{}", kUnfinished, ::getpid());
  (void)::unlink(made.c_str());
  if (bpf_obj_pin(fd, made.c_str()) != 0) return fail_call("pin " + path_.string(), errno);
  if (::rename(made.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    (void)::unlink(made.c_str());
    return fail_call("pin " + path_.string(), error);
  }
  adopt();
  return {};
}

void Pin::adopt() {
  struct stat info{};
  if (::stat(path_.c_str(), &info) != 0) info = {};
  device_ = info.st_dev;
  inode_ = info.st_ino;
}

bool Pin::is_there() const {
  struct stat info{};
  return inode_ != 0 && ::stat(path_.c_str(), &info) == 0 && info.st_dev == device_ &&
         info.st_ino == inode_;
}

void Pin::move(const std::filesystem::path& path) {
  (void)::rename(path_.c_str(), path.c_str());  // if that fails, is_there() says so
  path_ = path;
}

void Pin::remove() {
  (void)::unlink(path_.c_str());
  inode_ = 0;
}

}  // namespace fw::datapath::xdp
