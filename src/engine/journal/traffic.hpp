// SPDX-License-Identifier: MIT
// The datapath's counters, as sums and as the summary of dropped packets that the log gets: at most
// one a minute, and only when there were any.
#pragma once

#include <cstdint>

#include "abi/abi.h"
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

  // The datapath counts on from `counters`; what came before is not news.
  void begin(const fw_counters& counters, const Now& now);
  // Takes the counters as they are and logs the summary when it is due.
  void update(const fw_counters& counters, bool observing, Journal& journal, const Now& now);

  [[nodiscard]] const fw_counters& counters() const { return counters_; }

 private:
  fw_counters counters_{};
  fw_counters summarised_{};
  std::uint64_t summary_due_ns_ = 0;
};

}  // namespace fw::engine
