// SPDX-License-Identifier: MIT
// Do those who ask a service ever come back? Forged senders do not, however well they are answered.
//
// A host that has just started has seen nobody yet, and a crowd that comes for the first time looks
// the same for a moment. So everybody being new counts at once only where the ordinary number of
// new sources is known and exceeded many times; else it must have gone on for as long as a client
// takes to ask again.
#pragma once

#include <cstdint>
#include <deque>

#include "base/now.hpp"

namespace fw::engine {

class Newcomers {
 public:
  static constexpr std::uint64_t kLookNs = 200 * kMillisecond;
  static constexpr std::uint64_t kLongLookNs = 2 * kSecond;
  static constexpr std::uint64_t kMemoryNs = kLongLookNs + kLookNs;
  static constexpr std::uint64_t kMany = 400;      // new sources in a look
  static constexpr std::uint64_t kTimesUsual = 8;  // so many times the most ever seen in peace
  static constexpr std::uint64_t kPeaceLooks = 8;  // looks with askers in them
  static constexpr double kAllNew = 0.9;           // of all who ask

  // What was counted since the last call: packets of unverified senders, and senders never seen.
  void observe(std::uint64_t now_ns, std::uint64_t packets, std::uint64_t new_sources);
  // While it lasts, what is seen is no peace.
  void trouble(bool lasts) { troubled_ = lasts; }

  [[nodiscard]] bool is_flood() const;

 private:
  struct Step {
    std::uint64_t at_ns, packets, new_sources;
  };
  [[nodiscard]] bool all_new(std::uint64_t since_ns, std::uint64_t until_ns,
                             std::uint64_t many) const;
  void learn(const Step& step);

  std::deque<Step> steps_;  // of the last kMemoryNs
  Step look_{};             // of peace, being added up
  std::uint64_t usual_ = 0, looks_ = 0;
  bool troubled_ = false;
};

}  // namespace fw::engine
