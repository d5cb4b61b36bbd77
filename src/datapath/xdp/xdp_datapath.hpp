// SPDX-License-Identifier: MIT
// The datapath in the kernel: an XDP program at the driver judges what arrives, a small program on
// egress (tcx, else clsact) notes what this host sends. Everything is pinned in bpffs, so
// filtering, bans and their expiry go on without the daemon; open() adopts what a former daemon
// left.
#pragma once

#include <filesystem>
#include <memory>

#include "datapath/datapath.hpp"
#include "datapath/user/user_datapath.hpp"

namespace fw::datapath::xdp {

struct Options {
  TableSizes sizes;
  std::filesystem::path pins = "/sys/fs/bpf/floodwall";  // a folder in a mounted bpffs
};

// Loads the programs, or adopts the pinned maps of a former daemon where version and sizes are the
// same (its programs are replaced in place, without a gap, at attach()); otherwise the old ones
// stay in force until attach() and their bans are carried over. Mounts bpffs if it is missing.
// Errors name what the kernel or the rights lack; then nothing is left behind.
[[nodiscard]] Result<std::unique_ptr<Datapath>> open(const Options& options);

// Detaches and unpins whatever any Floodwall left under `pins`, without a daemon. Returns whether
// there was anything.
[[nodiscard]] Result<bool> remove_pinned(const std::filesystem::path& pins);

}  // namespace fw::datapath::xdp
