// SPDX-License-Identifier: MIT
// What the datapath measured when it limited or banned a source, in the units that people use. The
// datapath counts per window of 2^30 ns, and bytes in units of 16.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "abi/messages.h"
#include "base/now.hpp"
#include "engine/journal/event.hpp"

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

// Of a source above a limit, whose bucket had room for `burst` packets or bytes. A bucket that was
// full is emptied at once by what is less than `limit` in a second: then the burst is what broke
// it.
//   proto=udp dport=27015 pps=2400 limit=2000 window=1s
//   proto=udp dport=27015 at_once=201 burst=200 limit=2000 window=1s
[[nodiscard]] std::vector<Field> fields_of_limit(const Measured& measured, std::uint64_t burst);

// "12,400 pkt/s", "5.9 MB/s", "400 SYN/s".
[[nodiscard]] std::string rate_in_words(std::uint64_t per_second, fw_metric metric);

}  // namespace fw::engine
