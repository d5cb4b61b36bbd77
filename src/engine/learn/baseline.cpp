// SPDX-License-Identifier: MIT
#include "engine/learn/baseline.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "datapath/address_key.hpp"

namespace fw::engine {
namespace {

constexpr double kWindowSeconds = static_cast<double>(1ULL << FW_WINDOW_SHIFT) / 1e9;
constexpr double kMaxWeight = 1e9;             // of a window; then all weights are scaled down
constexpr std::uint64_t kLongestGap = 3600;    // windows; a longer gap was no idle hour
constexpr double kHighestRate = 10e6;          // what [budget.CLASS] accepts
constexpr unsigned kHighestBurst = 1'000'000;  // the same

std::uint32_t load(const fw_u32& shared) {
  return __atomic_load_n(&shared, __ATOMIC_RELAXED);
}

}  // namespace

double unanswered_pps(const fw_budget& budget, std::uint32_t window) {
  std::uint32_t charged = 0, answered = 0;
  const std::uint32_t current = load(budget.window);
  if (current == window) {
    charged = load(budget.taken);
    answered = load(budget.answered);
  } else if (current == window + 1) {
    charged = load(budget.taken_before);
    answered = load(budget.answered_before);
  }
  return charged > answered ? (charged - answered) / kWindowSeconds : 0;
}

namespace {

unsigned raised_burst(unsigned configured, unsigned wanted) {
  return std::max(configured, std::min(wanted, Baseline::kMaxFactor * configured));
}

}  // namespace

void Baseline::tick(std::span<const fw_budget> budgets, const Loads& loads, std::uint64_t now_ns) {
  const std::uint64_t window = now_ns >> FW_WINDOW_SHIFT;
  const std::uint64_t last = std::exchange(last_read_, window);
  const std::uint64_t passed = last == 0 || window < last ? 0 : window - last;
  if (passed != 0) {
    waiting_.resize(waiting_.size() + std::min(passed, kLongestGap) - 1);
    waiting_.push_back(read(budgets, static_cast<std::uint32_t>(window - 1)));
  }
  for (std::size_t i = 0; i < FW_CLASS_COUNT; i++) {
    if (loads[i] == Load::normal) continue;
    const std::size_t since =
        loads[i] == Load::high && passed <= waiting_.size() ? waiting_.size() - passed : 0;
    for (std::size_t at = since; at < waiting_.size(); at++) leave_out(waiting_[at], i);
  }
  for (; waiting_.size() > kWaitWindows; waiting_.pop_front()) learn(waiting_.front());
}

void Baseline::leave_out(Second& second, std::size_t traffic_class) {
  if (second.left_out.none()) left_out_++;
  second.left_out.set(traffic_class);
  std::erase_if(second.rates,
                [&](const auto& rate) { return rate.first.traffic_class == traffic_class; });
}

void Baseline::learn_waiting() {
  for (const Second& second : std::exchange(waiting_, {})) learn(second);
}

Baseline::Second Baseline::read(std::span<const fw_budget> budgets, std::uint32_t window) {
  Second second;
  for (const fw_budget& budget : budgets) {
    if (budget.used == 0 || budget.traffic_class >= FW_CLASS_COUNT) continue;
    double rate = unanswered_pps(budget, window);
    if (rate == 0) continue;
    std::uint16_t port = budget.port;
    if (from_key(budget.dst) == Address{}) {
      rate /= 2;  // all addresses together may have twice as much as one
      if (port != 0) port = kAllServices;
    }
    double& highest = second.rates[{static_cast<fw_class>(budget.traffic_class), port}];
    highest = std::max(highest, rate);
  }
  return second;
}

void Baseline::learn(const Second& second) {
  std::map<BaselineKey, double> kept;
  for (const auto& [key, rate] : second.rates) {
    double& highest = kept[admit(key)];
    highest = std::max(highest, rate);
  }
  for (const auto& [key, rate] : kept) seen_[key].rates.add(rate, unit_);
  if (!second.left_out.all()) windows_++;
  for (std::size_t i = 0; i < FW_CLASS_COUNT; i++) {
    if (second.left_out[i]) continue;
    learned_[i].total += unit_;
    learned_[i].windows++;
  }
  unit_ *= std::exp2(kWindowSeconds / kHalfLifeSeconds);
  if (unit_ < kMaxWeight) return;
  for (auto& [key, seen] : seen_) seen.rates.scale(1 / unit_);
  for (Learned& learned : learned_) learned.total /= unit_;
  unit_ = 1;
}

BaselineKey Baseline::admit(BaselineKey key) {
  const BaselineKey others{key.traffic_class, 0};
  if (!seen_.contains(key) && key.port > kAllServices) {
    const auto first = seen_.lower_bound({key.traffic_class, kAllServices + 1});
    const auto last = seen_.upper_bound({key.traffic_class, 65'535});
    if (static_cast<std::size_t>(std::distance(first, last)) >= kPortsPerClass) {
      const auto idlest = std::min_element(first, last, [](const auto& a, const auto& b) {
        return a.second.last_window < b.second.last_window;
      });
      if (windows_ - idlest->second.last_window < kIdleWindows) return others;
      seen_.erase(idlest);
    }
  }
  seen_[key].last_window = windows_;
  return key;
}

std::map<std::uint16_t, double> Baseline::usual_by_port(fw_class traffic_class) const {
  std::map<std::uint16_t, double> usual;
  for (auto at = seen_.lower_bound({traffic_class, 0});
       at != seen_.end() && at->first.traffic_class == traffic_class; ++at)
    if (const double rate = at->second.rates.percentile(kShare, learned_[traffic_class].total);
        rate > 0)
      usual[at->first.port] = rate;
  return usual;
}

double Baseline::usual(fw_class traffic_class) const {
  double most = 0;
  for (const auto& [port, rate] : usual_by_port(traffic_class)) most = std::max(most, rate);
  return most;
}

config::Budget Baseline::raised(fw_class traffic_class, const config::Budget& configured) const {
  config::Budget budget = configured;
  if (!configured.limit) return budget;
  const double wanted = std::ceil(kMargin * usual(traffic_class));
  if (wanted <= *configured.limit) return budget;
  const double highest = std::max(*configured.limit, kHighestRate);
  budget.limit = std::min({wanted, kMaxFactor * *configured.limit, highest});
  // The baseline knows the packets of a second, not when in it they came: all may come at once.
  const auto burst = std::min(static_cast<unsigned>(*budget.limit), kHighestBurst);
  budget.burst = raised_burst(configured.burst, burst);
  budget.served_burst = raised_burst(configured.served_burst, burst);
  return budget;
}

}  // namespace fw::engine
