// SPDX-License-Identifier: MIT
// The file system that keeps BPF objects alive without a process.
#pragma once

#include <filesystem>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace fw::datapath::xdp {

// Sees to it that `folder` exists in a bpffs: mounts one at /sys/fs/bpf if that is what is missing.
[[nodiscard]] Result<void> prepare_pins(const std::filesystem::path& folder);

// The object pinned at `path`, or an invalid descriptor if there is none. Closing it changes
// nothing.
[[nodiscard]] UniqueFd open_pin(const std::filesystem::path& path);

// Pins an object in place of whatever is pinned there.
[[nodiscard]] Result<void> replace_pin(int fd, const std::filesystem::path& path);

}  // namespace fw::datapath::xdp
