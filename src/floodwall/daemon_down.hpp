// SPDX-License-Identifier: MIT
// What an operator is told when nobody answers: whether packets are filtered all the same.
#pragma once

#include "base/error.hpp"

namespace fw {

// The error, with a sentence about the kernel where the daemon does not run.
[[nodiscard]] Error with_state_of_kernel(Error error);

}  // namespace fw
