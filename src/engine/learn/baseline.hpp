// SPDX-License-Identifier: MIT
// The baseline: which rates are usual here. Under normal load, once per window of the policy (1.07
// s), it reads from every budget the tokens taken less those refunded, and keeps per class and
// served port how often which rate was seen; older days count less (forward decay: Cormode,
// Shkapenyuk, Srivastava, Xu, 2009). The high end of that, with a margin, is what a budget should
// at least be.
//
// What came shortly before an attack may be its beginning, so a window waits before it counts.
// Nothing is learned about a class that is attacked, nor from a window in which one of its budgets
// refused something: else a slowly rising flood would raise the budget that holds it. About the
// other classes learning goes on. One thread, no clock.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "abi/layout.h"
#include "base/error.hpp"
#include "config/config.hpp"
#include "engine/learn/histogram.hpp"

namespace fw::engine {

// A class, on a served port. Port 0: all ports that are not served; kAllServices: the served ports
// of all addresses together.
inline constexpr std::uint16_t kAllServices = 1;
struct BaselineKey {
  fw_class traffic_class = FW_CLASS_OTHER;
  std::uint16_t port = 0;

  auto operator<=>(const BaselineKey&) const = default;
};

// Of one budget: the tokens taken less those refunded in a window that is over, per second.
[[nodiscard]] double unanswered_pps(const fw_budget& budget, std::uint32_t window);

class Baseline {
 public:
  // What a window was like for a class. High: one of its budgets refused something.
  enum class Load : std::uint8_t { normal, high, under_attack };
  using Loads = std::array<Load, FW_CLASS_COUNT>;

  // All are judgement; docs/decisions/learned-budgets.md says why.
  static constexpr double kShare = 0.999;     // of all seconds have at most the usual rate
  static constexpr double kMargin = 2;        // the quota per prefix begins at half of a budget
  static constexpr unsigned kMaxFactor = 20;  // times the configured budget, its bursts too
  static constexpr std::uint64_t kEnoughSeconds = 3600;
  static constexpr double kHalfLifeSeconds = 86'400;  // of normal load
  static constexpr std::uint64_t kWaitWindows = 10;
  static constexpr std::size_t kPortsPerClass = 16;    // with a histogram of their own
  static constexpr std::uint64_t kIdleWindows = 3600;  // then a port gives up its histogram

  // Call it often: it reads the budgets when a window of the policy's clock is over.
  void tick(std::span<const fw_budget> budgets, const Loads& loads, std::uint64_t now_ns);
  // Learns from the windows that wait, at the end of a capture.
  void learn_waiting();
  void reset() { *this = {}; }

  // Seconds that were learned from, for the class that was left out least; and those in which a
  // class was left out, since the start.
  [[nodiscard]] std::uint64_t seconds() const { return seconds_of(windows_); }
  [[nodiscard]] std::uint64_t left_out_seconds() const { return seconds_of(left_out_); }
  [[nodiscard]] std::uint64_t seconds(fw_class traffic_class) const {
    return seconds_of(learned_[traffic_class].windows);
  }
  [[nodiscard]] bool is_enough() const { return seconds() >= kEnoughSeconds; }
  [[nodiscard]] bool is_enough(fw_class traffic_class) const {
    return seconds(traffic_class) >= kEnoughSeconds;
  }
  // Unanswered packets a second, to one address or port, that all but one second in a thousand
  // stayed within. 0: next to none.
  [[nodiscard]] double usual(fw_class traffic_class) const;
  // The same, by port.
  [[nodiscard]] std::map<std::uint16_t, double> usual_by_port(fw_class traffic_class) const;
  // `configured`, raised to the usual rate with the margin; kMaxFactor times as much at most.
  [[nodiscard]] config::Budget raised(fw_class traffic_class,
                                      const config::Budget& configured) const;

  // As JSON, to be stored across restarts. After an error restore() changes nothing.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] Result<void> restore(std::string_view text);

 private:
  struct Second {
    std::map<BaselineKey, double> rates;   // the highest of all addresses
    std::bitset<FW_CLASS_COUNT> left_out;  // nothing is learned about these classes
  };
  struct Learned {
    double total = 0;  // weight of the windows
    std::uint64_t windows = 0;
  };

  [[nodiscard]] static std::uint64_t seconds_of(std::uint64_t windows) {
    return (windows << FW_WINDOW_SHIFT) / 1'000'000'000;
  }
  [[nodiscard]] static Second read(std::span<const fw_budget> budgets, std::uint32_t window);
  void leave_out(Second& second, std::size_t traffic_class);
  void learn(const Second& second);
  struct Seen {
    Histogram rates;
    std::uint64_t last_window = 0;  // as `windows_` was then
  };
  // The key under which a rate is kept: that of all other ports if the class has kPortsPerClass.
  [[nodiscard]] BaselineKey admit(BaselineKey key);

  std::map<BaselineKey, Seen> seen_;
  std::array<Learned, FW_CLASS_COUNT> learned_{};
  double unit_ = 1;  // weight of a window now: it grows, and old weights stay
  std::uint64_t windows_ = 0, left_out_ = 0;
  std::uint64_t last_read_ = 0;  // window; 0: none yet
  std::deque<Second> waiting_;
};

}  // namespace fw::engine
