// SPDX-License-Identifier: MIT
// What is usual here. In peace, once per window of the policy (1.07 s), it looks at what every
// budget was charged and got no answer for, per class and per port of a service, and keeps how
// often which rate was seen; older days count less. The high end of that, with a margin, is what a
// budget should at least be.
//
// What came shortly before an attack may be its beginning, so it waits before it counts; while an
// attack lasts nothing is learned, nor from a window in which a budget was exceeded: else what
// rises slowly would raise what holds it. One thread, no clock.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "abi/abi.h"
#include "base/error.hpp"
#include "config/config.hpp"
#include "engine/learn/histogram.hpp"

namespace fw::engine {

// A class, on a port where a service listens (0: on all others; kAllServices: on those of all
// addresses together).
inline constexpr std::uint16_t kAllServices = 1;
struct BaselineKey {
  fw_class traffic_class = FW_CLASS_OTHER;
  std::uint16_t port = 0;

  auto operator<=>(const BaselineKey&) const = default;
};

class Baseline {
 public:
  // What a window was like: `pressed`, some budget refused something.
  enum class Moment : std::uint8_t { peace, pressed, attack };

  static constexpr double kShare = 0.999;  // of all seconds have at most what is usual
  static constexpr double kMargin = 2;
  static constexpr unsigned kMost = 20;  // times the configured budget, its bursts too
  static constexpr std::uint64_t kEnoughSeconds = 3600;
  static constexpr double kHalfLifeSeconds = 86'400;  // of peace
  static constexpr std::uint64_t kWaitWindows = 10;
  static constexpr std::size_t kPortsPerClass = 16;    // with a histogram of their own
  static constexpr std::uint64_t kIdleWindows = 3600;  // then a port makes room for another

  // Call it often: it looks when a window of the policy's clock is over.
  void tick(std::span<const fw_budget> budgets, Moment moment, std::uint64_t now_ns);
  // What waits counts now: for a capture that is over.
  void settle();
  void reset() { *this = {}; }

  // Of peace, that were learned from; and those that were not, since the start.
  [[nodiscard]] std::uint64_t seconds() const { return seconds_of(windows_); }
  [[nodiscard]] std::uint64_t left_out_seconds() const { return seconds_of(left_out_); }
  [[nodiscard]] bool is_enough() const { return seconds() >= kEnoughSeconds; }
  // Unanswered packets a second, to one address or port, that all but one second in a thousand
  // stayed within. 0: next to none.
  [[nodiscard]] double usual(fw_class traffic_class) const;
  // The same, by port.
  [[nodiscard]] std::map<std::uint16_t, double> usual_by_port(fw_class traffic_class) const;
  // `configured`, raised to what is usual, with the margin; kMost times as much at most.
  [[nodiscard]] config::Budget raised(fw_class traffic_class,
                                      const config::Budget& configured) const;

  // JSON, for whoever keeps it across restarts. restore() leaves all as it was after an error.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] Result<void> restore(std::string_view text);

 private:
  using Second = std::map<BaselineKey, double>;  // the highest rate of all addresses

  [[nodiscard]] static std::uint64_t seconds_of(std::uint64_t windows) {
    return (windows << FW_WINDOW_SHIFT) / 1'000'000'000;
  }
  [[nodiscard]] static Second look(std::span<const fw_budget> budgets, std::uint32_t window);
  void learn(const Second& second);
  struct Seen {
    Histogram rates;
    std::uint64_t last_window = 0;  // as `windows_` was then
  };
  // Under which a rate is kept: where there is no room for one more port, that of all others.
  [[nodiscard]] BaselineKey admit(BaselineKey key);

  std::map<BaselineKey, Seen> seen_;
  double total_ = 0;  // weight of all windows
  double unit_ = 1;   // weight of a window now: grows, instead of all others shrinking
  std::uint64_t windows_ = 0, left_out_ = 0;
  std::uint64_t looked_ = 0;  // the window that was looked at last; 0: none yet
  std::deque<Second> waiting_;
};

}  // namespace fw::engine
