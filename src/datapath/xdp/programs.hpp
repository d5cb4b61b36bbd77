// SPDX-License-Identifier: MIT
// Loads the BPF programs, with new maps or with the pinned maps of a former daemon.
//
// The maps of abi/tables.h, those of configuration and lists, and the rings are pinned in PINS/maps
// under their names, so that the next daemon keeps bans, flows and counters.
#pragma once

#include <filesystem>
#include <memory>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "datapath/user/tables.hpp"

struct floodwall_bpf;
struct bpf_map;

namespace fw::datapath::xdp {

struct SkeletonDeleter {
  void operator()(floodwall_bpf* skeleton) const;
};
using Skeleton = std::unique_ptr<floodwall_bpf, SkeletonDeleter>;

// The BPF object (programs and maps), loaded.
struct LoadedObject {
  Skeleton skeleton;
  bool adopted = false;  // the maps are those of a former daemon
  // A former daemon's entries, if its maps are of this version and could not be adopted, since
  // their sizes differ.
  UniqueFd former_entries;
};

// Loads the object. It uses the maps pinned in `pins` if version, types and sizes are the same.
[[nodiscard]] Result<LoadedObject> load_object(const std::filesystem::path& pins,
                                               const TableSizes& sizes);

// Pins all maps, replacing what is pinned under their names. Maps that only a former version had
// are unpinned.
[[nodiscard]] Result<void> pin_maps(floodwall_bpf& skeleton, const std::filesystem::path& pins);

// True: this process is root and has CAP_BPF. Then an error EACCES of a load is the verifier's.
[[nodiscard]] bool may_load_programs();

// From now on libbpf's warnings are not printed; fail_load() quotes the last one.
void silence_libbpf();

}  // namespace fw::datapath::xdp
