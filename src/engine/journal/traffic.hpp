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
// For the reasons that drop, in mode observe too.
[[nodiscard]] Amount refused(const fw_counters& counters);

class Traffic {
 public:
  static constexpr std::uint64_t kSummaryNs = 60 * kSecond;

  // Summaries count from `counters` on.
  void begin(const fw_counters& counters, const Now& now);
  // Takes over the counters and writes the summary when it is due.
  void update(const fw_counters& counters, bool observing, Journal& journal, const Now& now);

  // Writes it now, if anything was dropped since the last one.
  void summarise(bool observing, Journal& journal, const Now& now);

  [[nodiscard]] const fw_counters& counters() const { return counters_; }
  // Since the counters began: what was dropped, and what passed only because of mode observe. Bytes
  // of before begin() are divided as the packets were.
  [[nodiscard]] Amount dropped() const;
  [[nodiscard]] const Amount& observed() const { return observed_; }

 private:
  void divide(const fw_counters& counters);

  fw_counters counters_{};
  fw_counters summarised_{};
  Amount observed_;
  std::uint64_t summary_due_ns_ = 0;
};

}  // namespace fw::engine
