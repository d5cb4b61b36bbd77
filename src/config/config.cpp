// SPDX-License-Identifier: MIT
// The defaults of what has one a metric or a class.
#include "config/config.hpp"

#include <algorithm>

namespace fw::config {

Limits Config::defaults() {
  // Judgement, confirmed by replay: no benign capture exceeds one of them.
  Limits limits;
  limits[FW_METRIC_UDP].ban_at = 20'000;
  // Of SYNs whose handshakes are not completed. 4 s: 400 may be on their way, as with 1,100
  // connections a second over a round trip of 350 ms.
  limits[FW_METRIC_SYN].limit = 100;
  limits[FW_METRIC_SYN].ban_at = 150;
  limits[FW_METRIC_SYN].burst = Milliseconds{2500};
  limits[FW_METRIC_ICMP].limit = 100;
  return limits;
}

bool PrefixLimit::any() const {
  return std::ranges::any_of(limits, [](const Limit& of) { return of.limit || of.ban_at; });
}

Budgets Config::default_budgets() {
  // Measured (docs/detection.md): far above what a small host on the Internet receives unanswered.
  // The clients of a busy host are answered, which refunds their tokens.
  Budgets budgets;
  budgets[FW_CLASS_TCP_SYN] = {.limit = 25, .burst = 150, .served_burst = 150};
  budgets[FW_CLASS_TCP_STRAY] = {.limit = 100, .burst = 100, .served_burst = 200};
  budgets[FW_CLASS_UDP_NEW] = {.limit = 100, .burst = 100, .served_burst = 200};
  budgets[FW_CLASS_UDP_REFLECTED] = {.limit = 2, .burst = 24, .served_burst = 24};
  budgets[FW_CLASS_ICMP_ECHO] = {.limit = 100, .burst = 100, .served_burst = 100};
  budgets[FW_CLASS_ICMP_OTHER] = {.limit = 50, .burst = 50, .served_burst = 50};
  budgets[FW_CLASS_FRAGMENT] = {.limit = 30, .burst = 50, .served_burst = 50};
  budgets[FW_CLASS_OTHER] = {.limit = 100, .burst = 100, .served_burst = 100};
  return budgets;
}

}  // namespace fw::config
