// SPDX-License-Identifier: MIT
// The BPF programs with their maps, as loaded: new ones, or on the pinned maps of a former daemon.
//
// The maps of abi/tables.h, those of configuration and lists, and the rings are pinned in PINS/maps
// under their own names, so that a following daemon finds bans and everything else again.
#pragma once

#include <filesystem>
#include <memory>

#include "base/error.hpp"
#include "datapath/user/tables.hpp"

struct floodwall_bpf;
struct bpf_map;

namespace fw::datapath::xdp {

struct SkeletonDeleter {
  void operator()(floodwall_bpf* skeleton) const;
};
using Skeleton = std::unique_ptr<floodwall_bpf, SkeletonDeleter>;

struct LoadedPrograms {
  Skeleton skeleton;
  bool adopted = false;  // the maps are those of a former daemon
};

// Loads the programs. Their maps are those pinned in `pins` if version, kinds and sizes are the
// same.
[[nodiscard]] Result<LoadedPrograms> load_programs(const std::filesystem::path& pins,
                                                   const TableSizes& sizes);

// Pins all maps, in place of what is pinned under their names. Maps that only a former version had
// are unpinned.
[[nodiscard]] Result<void> pin_maps(floodwall_bpf& skeleton, const std::filesystem::path& pins);

// True: this process is root and has CAP_BPF. Then an error EACCES of a load is the verifier's.
[[nodiscard]] bool may_load_programs();

// From now on libbpf's warnings are not printed; fail_load() quotes the last one.
void silence_libbpf();

}  // namespace fw::datapath::xdp
