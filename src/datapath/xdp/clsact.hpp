// SPDX-License-Identifier: MIT
// Attaches the egress program where the kernel has no tcx (before 6.6): as a filter in the qdisc
// clsact, which other programs may use as well.
#pragma once

namespace fw::datapath::xdp {

// Replaces our filter if there is one. False: the kernel refused.
[[nodiscard]] bool attach_clsact(unsigned interface_index, int program);
[[nodiscard]] bool has_clsact(unsigned interface_index);
// The id of the program of our filter; 0: there is none.
[[nodiscard]] unsigned clsact_program(unsigned interface_index);
// Removes our filter if there is one, and the qdisc if it has no other filter.
void detach_clsact(unsigned interface_index);

}  // namespace fw::datapath::xdp
