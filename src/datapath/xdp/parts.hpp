// SPDX-License-Identifier: MIT
// What an opened datapath is made of. Only opening.cpp makes one.
#pragma once

#include <memory>
#include <string>

#include "base/fd.hpp"
#include "datapath/datapath.hpp"
#include "datapath/xdp/options.hpp"
#include "datapath/xdp/programs.hpp"

namespace fw::datapath::xdp {

struct Parts {
  Skeleton object;          // its maps are in the kernel
  Programs programs;        // not valid: why_not_loaded
  bool adopted = false;     // the maps are those of a former daemon
  UniqueFd former_entries;  // of a former daemon, if its maps have other sizes than ours
  bool asks_conntrack = false;
  std::string why_not_loaded;  // empty: the programs are loaded
};

// Maps the tables into memory. Attaches nothing.
[[nodiscard]] Result<std::unique_ptr<Datapath>> assemble(Parts parts, const Options& options);

}  // namespace fw::datapath::xdp
