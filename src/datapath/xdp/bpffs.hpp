// SPDX-License-Identifier: MIT
// bpffs, the file system that keeps BPF objects alive without a process.
#pragma once

#include <filesystem>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace fw::datapath::xdp {

// Makes `folder` in a bpffs. Mounts one at /sys/fs/bpf if `folder` is to be there and none is.
[[nodiscard]] Result<void> prepare_pins(const std::filesystem::path& folder);

// Opens the object pinned at `path`; an invalid descriptor if there is none. Closing it does not
// unpin the object.
[[nodiscard]] UniqueFd open_pin(const std::filesystem::path& path);

// Pins an object at `path`, in place of what is pinned there.
[[nodiscard]] Result<void> replace_pin(int fd, const std::filesystem::path& path);

}  // namespace fw::datapath::xdp
