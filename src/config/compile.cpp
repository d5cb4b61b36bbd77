// SPDX-License-Identifier: MIT
// The configuration in the policy's own units: intervals of 2^30 ns, ticks of 16 ns, bytes in steps
// of 16. Values are rounded so that a limit is never looser than it was written.
#include <algorithm>
#include <cmath>
#include <limits>

#include "config/config.hpp"

namespace fw::config {

namespace {

constexpr double kTicksPerSecond = 1e9 / (1 << FW_TICK_SHIFT);
constexpr double kSecondsPerWindow = static_cast<double>(1 << FW_WINDOW_SHIFT) / 1e9;
constexpr std::uint32_t kMaxBurst = 1U << 29;  // ticks; what fw_limit::burst may be
constexpr std::uint32_t kMappedBits = 96;      // before an IPv4 address in its mapped form
constexpr std::uint32_t kPortsPerProtocol = 65'536;

std::uint32_t saturated(double value) {
  return static_cast<std::uint32_t>(
      std::clamp(value, 1.0, static_cast<double>(std::numeric_limits<std::uint32_t>::max())));
}

std::uint32_t ticks(Milliseconds duration) {
  const double value = static_cast<double>(duration.count()) * (kTicksPerSecond / 1000);
  return std::min(saturated(value), kMaxBurst);
}

fw_limit compile_limit(const Limit& limit, bool bytes) {
  const double unit = bytes ? FW_BYTES_UNIT : 1;
  fw_limit out{};
  if (limit.limit) {
    out.cost_q8 = static_cast<std::uint64_t>(
        std::max(1.0, std::ceil(256 * kTicksPerSecond * unit / *limit.limit)));
    out.burst = ticks(limit.burst);
    out.limit_above = saturated(std::round(*limit.limit * kSecondsPerWindow / unit));
  }
  out.peers = limit.peers ? 1 : 0;
  if (limit.ban_at) out.ban_above = saturated(std::round(*limit.ban_at * kSecondsPerWindow / unit));
  return out;
}

fw_rule compile_rule(const Limits& limits, Milliseconds ban_time) {
  fw_rule rule{};
  for (std::size_t i = 0; i < FW_METRIC_COUNT; i++)
    rule.limit[i] = compile_limit(limits[i], i == FW_METRIC_BYTES);
  rule.ban_ms = saturated(static_cast<double>(ban_time.count()));
  return rule;
}

std::uint8_t action_of(Action action) {
  switch (action) {
    case Action::drop:
      return FW_ACTION_DROP;
    case Action::pass:
      return FW_ACTION_PASS;
    case Action::limit:
      break;
  }
  return FW_ACTION_LIMIT;
}

std::uint8_t challenge_of(Challenge challenge) {
  switch (challenge) {
    case Challenge::off:
      return FW_CHALLENGE_OFF;
    case Challenge::on:
      return FW_CHALLENGE_ON;
    case Challenge::automatic:
      break;
  }
  return FW_CHALLENGE_AUTO;
}

}  // namespace

fw_budget_limit compile_budget(const Budget& budget) {
  fw_budget_limit out{};
  if (!budget.limit) return out;
  const double cost = std::ceil(kTicksPerSecond / *budget.limit);
  out.cost = saturated(cost);
  out.burst = saturated(cost * budget.burst);
  out.served_burst = saturated(cost * budget.served_burst);
  out.limit = saturated(std::round(*budget.limit));
  return out;
}

Compiled compile(const Config& config) {
  Compiled out;
  fw_config& policy = out.policy;
  policy.abi_version = FW_ABI_VERSION;
  policy.mode = config.mode == Mode::observe ? FW_MODE_OBSERVE : FW_MODE_ENFORCE;
  policy.source_bits_v6 = static_cast<std::uint8_t>(config.ban.prefix_v6);
  if (config.ban.per_minute != 0) {
    policy.bans_cost = saturated(std::ceil(60 * kTicksPerSecond / config.ban.per_minute));
    policy.bans_burst = ticks(std::chrono::minutes{1});
  }

  if (const auto& at = config.ban.unanswered_at)
    policy.unanswered_above = saturated(std::round(*at * kSecondsPerWindow));

  for (std::size_t i = 0; i < FW_CLASS_COUNT; i++)
    policy.budget[i] = compile_budget(config.budgets[i]);
  policy.syn_cookies = config.detect.syn_cookies ? 1 : 0;
  if (config.detect.capacity)
    policy.capacity_cost = saturated(std::ceil(kTicksPerSecond / *config.detect.capacity));
  policy.scan_ports = static_cast<std::uint8_t>(config.detect.scan_ports);

  policy.rule[0] = compile_rule(config.limit_default, config.ban.time);
  policy.rule[0].challenge = challenge_of(config.detect.udp_challenges);
  if (const PrefixLimit& prefix = config.limit_prefix; prefix.any()) {
    policy.limit_bits_v4 = static_cast<std::uint8_t>(kMappedBits + prefix.prefix_v4);
    policy.limit_bits_v6 = static_cast<std::uint8_t>(prefix.prefix_v6);
    policy.rule[FW_RULE_OF_PREFIXES] = compile_rule(prefix.limits, config.ban.time);
    policy.rule[FW_RULE_OF_PREFIXES].own = 1;
  }
  out.rule_names.emplace_back("default");
  out.ports.resize(FW_PORT_LINES);
  const std::size_t services = std::min(config.services.size(), kMaxServices);
  for (std::size_t i = 0; i < services; i++) {
    const Service& service = config.services[i];
    const auto number = static_cast<std::uint8_t>(i + 1);
    fw_rule& rule = policy.rule[number];
    rule = compile_rule(service.limits.value_or(config.limit_default),
                        service.ban_time.value_or(config.ban.time));
    rule.action = action_of(service.action);
    rule.own = service.limits ? 1 : 0;
    rule.challenge = challenge_of(service.challenge.value_or(config.detect.udp_challenges));
    out.rule_names.push_back(service.name);
    for (const PortRange& range : service.ports)
      for (std::uint32_t port = range.first; port <= range.last; port++) {
        const std::uint32_t index = (range.udp ? kPortsPerProtocol : 0U) + port;
        out.ports[index / FW_LINE_BYTES].value[index % FW_LINE_BYTES] = number;
      }
  }
  return out;
}

}  // namespace fw::config
