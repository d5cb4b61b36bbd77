// SPDX-License-Identifier: MIT
// The BPF programs on the interfaces of the caller's network namespace, whoever attached them. That
// there is one anybody may ask; its name, and by which link it is attached, needs root.
//
// Thread rule: free function without state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace fw::host {

struct BpfProgram {
  enum class Hook { xdp_native, xdp_generic, tc };

  std::string interface{};
  Hook hook = Hook::xdp_native;
  std::uint32_t id = 0;
  std::optional<std::string> name{};  // none: not known; a program may have an empty one
  std::uint32_t link = 0;  // of an XDP program: the link that holds it; 0: none, or not known

  [[nodiscard]] bool is_xdp() const { return hook != Hook::tc; }
  // As far as its name says.
  [[nodiscard]] bool is_ours() const { return name && name->starts_with("floodwall_"); }
};

// XDP programs, and those of tc's filters (clsact), of each interface. Those of tcx are not listed.
[[nodiscard]] Result<std::vector<BpfProgram>> attached_bpf_programs();

}  // namespace fw::host
