// SPDX-License-Identifier: MIT
// The rights of a daemon that is not root (docs/decisions/privileges.md).
#pragma once

#include "base/error.hpp"

namespace fw::daemon {

// Hands the rights to look into processes and folders of others to a process that does only that
// (host/guarded_facts.hpp), and gives them up here, for good. Root keeps all rights, and so does a
// process that has none of those. Call it while there is one thread.
[[nodiscard]] Result<void> part_with_rights();

}  // namespace fw::daemon
