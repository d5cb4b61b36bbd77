// SPDX-License-Identifier: MIT
// Floodwall's programs on the interfaces of this network namespace, as the kernel tells it. Pins
// can be deleted, or hidden below another file system; what is attached cannot.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace fw::datapath::xdp {

enum class Hook { xdp, tcx, clsact };

struct Attached {
  unsigned interface_index = 0;
  std::string interface;
  Hook hook = Hook::xdp;
  std::uint32_t program_id = 0;

  // "XDP on eth0 (program 12)"
  [[nodiscard]] std::string text() const;
};

// Whether a program of this name is one of Floodwall's, of whichever version.
[[nodiscard]] bool is_our_program(std::string_view name);

// The programs on egress of an interface, in the order in which they run; none without tcx.
[[nodiscard]] Result<std::vector<std::uint32_t>> tcx_programs(unsigned interface_index);

// Whoever attached them. Fails if the kernel does not tell: that is not the same as none.
[[nodiscard]] Result<std::vector<Attached>> attached_programs();

// The link by which our program is on the hook `xdp` or `tcx` of an interface; an invalid
// descriptor if there is none. Closing it detaches only if the link is pinned nowhere.
[[nodiscard]] UniqueFd find_link(unsigned interface_index, Hook hook);

// Detaches all of them and looks again: fails, naming them, if any is still attached. Returns
// whether there was any. Takes milliseconds and needs no file.
[[nodiscard]] Result<bool> detach_all();

}  // namespace fw::datapath::xdp
