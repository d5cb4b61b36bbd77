// SPDX-License-Identifier: MIT
// What a terminal is able to do, by its entry in terminfo.
#pragma once

namespace fw::top {

// Whether the terminal on standard output (TERM) is known and can place its cursor. ncurses itself
// would end the process for one that is not known.
[[nodiscard]] bool can_draw();

}  // namespace fw::top
