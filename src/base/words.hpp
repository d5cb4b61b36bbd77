// SPDX-License-Identifier: MIT
// Numbers, spans and times as people read them, in logs, problems and replies.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/now.hpp"

namespace fw {

// 0.1234 as "12.3%".
[[nodiscard]] std::string percent(double share);
// "60s", "1500ms": what the log writes after for=, always in one unit.
[[nodiscard]] std::string duration_field(std::uint64_t duration_ns);
// "47 s", "12 min", "3 h 20 min", "5 days": a remaining time, rounded for reading.
[[nodiscard]] std::string duration_in_words(std::uint64_t duration_ns);
// "12:01:03 UTC"; with the date in front when it is a day or more from now.
[[nodiscard]] std::string time_in_words(std::chrono::system_clock::time_point time, const Now& now);

}  // namespace fw
