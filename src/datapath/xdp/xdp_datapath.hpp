// SPDX-License-Identifier: MIT
// The datapath in the kernel. An XDP program judges what arrives, a small program on egress (tcx,
// else clsact) records what this host sends. Everything is pinned in bpffs, so filtering, bans and
// their expiry go on without the daemon. open() adopts what a former daemon left.
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

// Loads the programs. Uses the pinned maps of a former daemon if version and sizes are the same;
// otherwise the maps are new. A former daemon's programs run until attach() replaces them, without
// a gap. Mounts bpffs if it is missing. Errors name what the kernel or the rights lack; nothing is
// left behind then.
[[nodiscard]] Result<std::unique_ptr<Datapath>> open(const Options& options);

// Detaches and unpins everything that a Floodwall left under `pins`; needs no daemon. Returns
// whether there was anything. Of what is pinned elsewhere: detach_all() (attached.hpp).
[[nodiscard]] Result<bool> remove_pinned(const std::filesystem::path& pins);

}  // namespace fw::datapath::xdp
