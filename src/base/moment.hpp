// SPDX-License-Identifier: MIT
// Moments as people type them.
#pragma once

#include <chrono>
#include <string_view>

#include "base/error.hpp"

namespace fw {

// "03:15" or "03:15:20", the last such time before `now`; "2026-05-01", its beginning;
// "2026-05-01T12:00", with seconds, their fraction and a final Z or without. All in UTC, as the log
// is. Errors are of kind usage.
[[nodiscard]] Result<std::chrono::system_clock::time_point> parse_moment(
    std::string_view text, std::chrono::system_clock::time_point now);

}  // namespace fw
