// SPDX-License-Identifier: MIT
// bpffs, the file system that keeps BPF objects alive without a process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <utility>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace fw::datapath::xdp {

// Makes `folder` in a bpffs. Mounts one at /sys/fs/bpf if `folder` is to be there and none is.
[[nodiscard]] Result<void> prepare_pins(const std::filesystem::path& folder);

// Removes what is in `folder`, and `folder` itself unless it is another user's (whose daemon goes
// on with it) or a mount point of a sandbox. Returns whether there was anything.
[[nodiscard]] Result<bool> remove_folder(const std::filesystem::path& folder);

// Opens the object pinned at `path`; an invalid descriptor, and errno, if there is none. Closing it
// does not unpin the object.
[[nodiscard]] UniqueFd open_pin(const std::filesystem::path& path);

// The pin of an object. It is known again by its inode, so that looking at it takes no BPF call and
// sees as well when another file system hides it.
class Pin {
 public:
  Pin() = default;
  explicit Pin(std::filesystem::path path) : path_(std::move(path)) {}

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Pins an object, in one step in place of what is pinned there.
  [[nodiscard]] Result<void> make(int fd);
  // What is pinned there is ours from now on.
  void adopt();
  // Whether what was made or adopted is there.
  [[nodiscard]] bool is_there() const;
  void move(const std::filesystem::path& path);
  void remove();

 private:
  std::filesystem::path path_;
  std::uint64_t device_ = 0, inode_ = 0;  // 0: none yet
};

}  // namespace fw::datapath::xdp
