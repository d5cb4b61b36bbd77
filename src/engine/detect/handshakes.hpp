// SPDX-License-Identifier: MIT
// SYNs whose handshake is not completed, however well they are answered: forged ones, in whosever
// name. Few sources exceed no budget (one takes few tokens), and a host bears thousands a second.
//
// A client completes its handshake within its round-trip time. So SYNs that are older are compared
// with the most that was completed in as long a time since: a crowd that grows is none.
#pragma once

#include <cstdint>
#include <deque>

#include "base/now.hpp"

namespace fw::engine {

class Handshakes {
 public:
  static constexpr std::uint64_t kIntervalNs = kSecond;
  static constexpr std::uint64_t kRoundTripNs = 400 * kMillisecond;  // judgement
  static constexpr std::uint64_t kOldNs = kIntervalNs - kRoundTripNs;
  // Judgement: in kOldNs. 150 a second, above which one source is restricted, are 90.
  static constexpr std::uint64_t kMinUnfinished = 75;
  static constexpr std::uint64_t kLeastShare = 4;  // a quarter of those SYNs; judgement

  // SYNs that arrived and handshakes that were completed since the last call.
  void add(std::uint64_t now_ns, std::uint64_t syns, std::uint64_t completed);
  // SYNs a second that stay unfinished; 0: no more than among ordinary clients.
  [[nodiscard]] std::uint64_t unfinished() const;

 private:
  struct Step {
    std::uint64_t at_ns, syns, completed;
  };
  [[nodiscard]] std::uint64_t completed(std::uint64_t since_ns) const;

  std::deque<Step> steps_;  // of the last interval
};

}  // namespace fw::engine
