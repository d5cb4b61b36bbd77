// SPDX-License-Identifier: MIT
// Which interfaces have an XDP program, as anybody may ask: needs no privilege, and does not tell
// whose it is.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace fw::host {

[[nodiscard]] Result<std::vector<std::string>> interfaces_with_xdp();

}  // namespace fw::host
