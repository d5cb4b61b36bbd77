// SPDX-License-Identifier: MIT
// Durations, rates and sizes as the configuration and the command line write them.
//
// Thread rule: free functions without state.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace fw {

using Milliseconds = std::chrono::milliseconds;

// "250ms", "30s", "10m", "1h", "7d", also in sequence: "1h30m". At least 1 ms and at most 10 years.
[[nodiscard]] Result<Milliseconds> parse_duration(std::string_view text);
// The shortest exact form: "60s" is written "1m", 90 s "1m30s".
[[nodiscard]] std::string format_duration(Milliseconds duration);

// Events or bytes per second. "400/s", "6/30s" (= 0.2/s), "25MB/s", "1.5k/s"; k, M, G are powers
// of 1000; B marks bytes and is required where `bytes`, forbidden otherwise.
[[nodiscard]] Result<double> parse_rate(std::string_view text, bool bytes);
// "400/s", "12k/s" only if exact, "25MB/s".
[[nodiscard]] std::string format_rate(double per_second, bool bytes);

// Bytes: "64MiB", "25MB", "512k".
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);
// "1.9 MiB".
[[nodiscard]] std::string format_size(std::uint64_t bytes);

// 12400 as "12,400".
[[nodiscard]] std::string grouped(std::uint64_t number);

// "2026-05-01T12:00:03.412Z" (RFC 3339, UTC, milliseconds).
[[nodiscard]] std::string format_time(std::chrono::system_clock::time_point time);

}  // namespace fw
