// SPDX-License-Identifier: MIT
// How the egress program is attached where the kernel has no tcx: a filter of ours in the qdisc
// clsact, which others may use as well.
#pragma once

namespace fw::datapath::xdp {

// Replaces a filter of ours that is there. False: the kernel refused.
[[nodiscard]] bool attach_clsact(unsigned interface_index, int program);
[[nodiscard]] bool has_clsact(unsigned interface_index);
// Removes our filter if there is one, and the qdisc with it if nobody else has a filter in it.
void detach_clsact(unsigned interface_index);

}  // namespace fw::datapath::xdp
