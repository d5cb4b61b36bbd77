// SPDX-License-Identifier: MIT
// Loads the BPF programs, with new maps or with the pinned maps of a former daemon.
//
// The maps of abi/tables.h, those of configuration and lists, and the rings are pinned in PINS/maps
// under their names, so that the next daemon keeps bans, flows and counters.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "datapath/user/tables.hpp"
#include "datapath/xdp/bpffs.hpp"

struct floodwall_bpf;
struct bpf_map;

namespace fw::datapath::xdp {

struct SkeletonDeleter {
  void operator()(floodwall_bpf* skeleton) const;
};
using Skeleton = std::unique_ptr<floodwall_bpf, SkeletonDeleter>;

// The programs that are attached: to an interface with Ethernet headers, and to one whose frames
// begin with the IP header. Closing them detaches nothing.
struct Programs {
  UniqueFd ingress, egress, ingress_ip, egress_ip;
};

// The object with the sizes of its maps set; nothing of it is in the kernel.
[[nodiscard]] Result<Skeleton> open_object(const TableSizes& sizes);

// Makes the object use the maps pinned in `pins`. False: there are none, or not all have the
// version, types and sizes of ours, and none is used. An error: the kernel does not tell.
[[nodiscard]] Result<bool> adopt_maps(floodwall_bpf& skeleton, const std::filesystem::path& pins);

// The entries that a former daemon left pinned, of any number, if they are laid out as ours; else
// an invalid descriptor. An error: the kernel does not tell.
[[nodiscard]] Result<UniqueFd> former_entries(floodwall_bpf& skeleton,
                                              const std::filesystem::path& pins);

// Makes the object use these maps, in the order of maps_of().
[[nodiscard]] Result<void> use_maps(floodwall_bpf& skeleton, std::span<const UniqueFd> fds);

// Loads the programs, and the maps that the object does not use already. Call it in a child process
// (load.hpp): libbpf keeps for the life of a process what it could not find out about the kernel.
[[nodiscard]] Result<void> load(floodwall_bpf& skeleton, bool asks_conntrack);

// Whether the kernel has the function by which XDP programs look connections up. It may have it,
// and not for XDP.
[[nodiscard]] bool has_conntrack_lookup();

// All maps, in a fixed order. All of them are pinned.
[[nodiscard]] std::vector<bpf_map*> maps_of(floodwall_bpf& skeleton);
// The name of a map's pin.
[[nodiscard]] std::filesystem::path pin_of(const bpf_map& map, const std::filesystem::path& pins);

// Pins all maps, replacing what is pinned under their names. Maps that only a former version had
// are unpinned. The pins are in the order of maps_of().
[[nodiscard]] Result<std::vector<Pin>> pin_maps(floodwall_bpf& skeleton,
                                                const std::filesystem::path& pins);

// True: this process has what loading takes, as root or otherwise. Then an error EACCES of a load
// is the verifier's.
[[nodiscard]] bool may_load_programs();

// From now on libbpf's warnings are not printed; fail_load() quotes the last one.
void silence_libbpf();

}  // namespace fw::datapath::xdp
