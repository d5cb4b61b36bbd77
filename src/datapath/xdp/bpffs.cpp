// SPDX-License-Identifier: MIT
#include "datapath/xdp/bpffs.hpp"

#include <linux/magic.h>

#include <bpf/bpf.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#include <cerrno>
#include <system_error>

namespace fw::datapath::xdp {

namespace {

bool is_bpffs(const std::filesystem::path& path) {
  struct statfs info{};
  return statfs(path.c_str(), &info) == 0 &&
         static_cast<unsigned long>(info.f_type) == BPF_FS_MAGIC;
}

}  // namespace

Result<void> prepare_pins(const std::filesystem::path& folder) {
  const std::filesystem::path root = "/sys/fs/bpf";
  if (folder.string().starts_with(root.string()) && !is_bpffs(root) &&
      mount("bpf", root.c_str(), "bpf", 0, "mode=0700") != 0)
    return fail_errno("mount the BPF file system at /sys/fs/bpf", errno);
  std::error_code error;
  std::filesystem::create_directories(folder / "maps", error);
  if (!error) std::filesystem::create_directories(folder / "links", error);
  if (error) return fail(folder.string() + ": " + error.message());
  if (!is_bpffs(folder))
    return fail(folder.string() + " is not in a BPF file system: mount -t bpf bpf /sys/fs/bpf");
  return {};
}

UniqueFd open_pin(const std::filesystem::path& path) {
  return UniqueFd{bpf_obj_get(path.c_str())};
}

Result<void> replace_pin(int fd, const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
  if (bpf_obj_pin(fd, path.c_str()) != 0) return fail_errno("pin " + path.string(), errno);
  return {};
}

}  // namespace fw::datapath::xdp
