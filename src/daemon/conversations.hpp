// SPDX-License-Identifier: MIT
// Nobody's session breaks because Floodwall starts, not even in the middle of an attack: the
// conversations that stand are verified from their first packet.
#pragma once

#include <cstddef>

#include "base/error.hpp"
#include "base/now.hpp"
#include "datapath/datapath.hpp"

namespace fw::daemon {

// Asks the kernel for them and notes them in the tables; returns how many. Call it before packets
// are judged. An error: none was noted.
[[nodiscard]] Result<std::size_t> prove_conversations(datapath::Datapath& datapath, const Now& now);

}  // namespace fw::daemon
