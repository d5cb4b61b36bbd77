// SPDX-License-Identifier: MIT
// The time namespace of this process. The kernel's programs read the clock of the first one.
#pragma once

#include <string>
#include <string_view>

namespace fw::host {

// Empty, or why the ends of bans would be wrong here: this process's monotonic clock is not the
// kernel's.
[[nodiscard]] std::string time_namespace_problem();

// The same of the text of /proc/self/timens_offsets; an empty text (no such file) is no problem.
[[nodiscard]] std::string time_namespace_problem(std::string_view offsets);

}  // namespace fw::host
