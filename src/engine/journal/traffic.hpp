// SPDX-License-Identifier: MIT
// The datapath's counters: sums of them, and the summary of dropped packets in the log, at most
// once a minute and only if there were any.
#pragma once

#include <cstdint>

#include "abi/messages.h"
#include "base/now.hpp"
#include "engine/journal/journal.hpp"

namespace fw::engine {

struct Amount {
  std::uint64_t packets = 0, bytes = 0;
};

[[nodiscard]] Amount total(const fw_counters& counters);
// In mode observe: what would have been dropped.
[[nodiscard]] Amount dropped(const fw_counters& counters);

class Traffic {
 public:
  static constexpr std::uint64_t kSummaryNs = 60 * kSecond;

  // Summaries count from `counters` on.
  void begin(const fw_counters& counters, const Now& now);
  // Takes over the counters and writes the summary when it is due.
  void update(const fw_counters& counters, bool observing, Journal& journal, const Now& now);

  [[nodiscard]] const fw_counters& counters() const { return counters_; }

 private:
  fw_counters counters_{};
  fw_counters summarised_{};
  std::uint64_t summary_due_ns_ = 0;
};

}  // namespace fw::engine
