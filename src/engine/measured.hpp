// SPDX-License-Identifier: MIT
// What the datapath measured when it limited or banned a source, in the units people use: it counts
// per window of 2^30 ns and bytes in steps of 16.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event.hpp"
#include "engine/now.hpp"
#include "policy/abi.h"

namespace fw::engine {

struct Measured {
  std::chrono::system_clock::time_point time;
  std::uint64_t value = 0, limit = 0;  // packets or bytes per second
  std::uint16_t dport = 0;             // 0: the protocol has none
  std::uint8_t proto = 0;
  fw_metric metric = FW_METRIC_PACKETS;
};

// A count in a window as a rate: packets, or bytes.
[[nodiscard]] std::uint64_t per_second(std::uint32_t per_window, fw_metric metric);

[[nodiscard]] Measured measured(const fw_event& event, const Now& now);

// proto=udp dport=27015 pps=12400 limit=2000 window=1s
[[nodiscard]] std::vector<Field> fields_of(const Measured& measured);

// "12,400 pkt/s", "5.9 MB/s", "400 SYN/s".
[[nodiscard]] std::string rate_in_words(std::uint64_t per_second, fw_metric metric);

[[nodiscard]] std::string protocol_name(std::uint8_t proto);        // "udp"; "proto-253"
[[nodiscard]] std::string_view metric_word(fw_metric metric);       // "packets"
[[nodiscard]] std::string_view reason_word(fw_reason reason);       // "ban"
[[nodiscard]] std::string_view class_word(fw_class traffic_class);  // "tcp_syn"

// "60s", "1500ms": what the log says after for=, always in one unit.
[[nodiscard]] std::string duration_field(std::uint64_t duration_ns);
// "47 s", "12 min", "3 h 20 min", "5 days": how long something still lasts, to the eye.
[[nodiscard]] std::string duration_in_words(std::uint64_t duration_ns);
// "12:01:03 UTC", with the date in front when it is a day or more away.
[[nodiscard]] std::string time_in_words(std::chrono::system_clock::time_point time, const Now& now);

}  // namespace fw::engine
