// SPDX-License-Identifier: MIT
// Return-rate test for spoofed queries: do the clients of a service ever come back? Forged sources
// do not, however well they are answered.
//
// A host that has just started has seen no client yet, and a crowd that comes for the first time
// looks the same for a moment. So it is a flood at once only where the usual number of new sources
// is known and exceeded many times; else only if it goes on for as long as a client takes to send
// again.
//
// The numbers are judgement, held by two captures of tests/floods: dns-50k (20,000 innocent
// clients) must not be a flood, udp-fixed-answered (forged sources) must be one within 250 ms.
#pragma once

#include <cstdint>
#include <deque>

#include "base/now.hpp"

namespace fw::engine {

class NewSources {
 public:
  static constexpr std::uint64_t kIntervalNs = 200 * kMillisecond;
  static constexpr std::uint64_t kLongIntervalNs = 2 * kSecond;  // a client sends again within it
  static constexpr std::uint64_t kHistoryNs = kLongIntervalNs + kIntervalNs;
  static constexpr std::uint64_t kMinNewSources = 400;    // in an interval
  static constexpr std::uint64_t kTimesUsual = 8;         // the most ever seen under normal load
  static constexpr std::uint64_t kMinUsualIntervals = 8;  // with clients in them
  static constexpr double kMinNewShare = 0.9;             // of all clients

  // What was counted since the last call: packets of unverified sources, and sources never seen.
  void add(std::uint64_t now_ns, std::uint64_t packets, std::uint64_t new_sources);
  // While under attack nothing is learned of what is usual.
  void set_under_attack(bool under_attack) { under_attack_ = under_attack; }

  [[nodiscard]] bool is_flood() const;

 private:
  struct Step {
    std::uint64_t at_ns, packets, new_sources;
  };
  // Were the clients of the steps from `since_ns` (excluded) to `until_ns` at least `min_count`,
  // and nearly all of them new?
  [[nodiscard]] bool all_new(std::uint64_t since_ns, std::uint64_t until_ns,
                             std::uint64_t min_count) const;
  void learn(const Step& step);

  std::deque<Step> steps_;       // of the last kHistoryNs
  Step interval_{};              // under normal load, being summed up
  std::uint64_t usual_ = 0;      // the most new sources in an interval of normal load
  std::uint64_t intervals_ = 0;  // that usual_ is the maximum of
  bool under_attack_ = false;
};

}  // namespace fw::engine
