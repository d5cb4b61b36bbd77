// SPDX-License-Identifier: MIT
#include "engine/report/meters.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/units.hpp"
#include "datapath/address_key.hpp"
#include "datapath/datapath.hpp"
#include "engine/journal/measured.hpp"
#include "engine/journal/words.hpp"
#include "policy/policy.h"

namespace fw::engine {
namespace {

std::uint64_t whole(double rate) {
  return static_cast<std::uint64_t>(std::llround(rate));
}

// " (limit 200, ban at 1,000)"; empty where neither is set.
std::string limit_in_words(const config::Limit& limit, fw_metric metric) {
  const auto number = [&](double rate) {
    return metric == FW_METRIC_BYTES ? rate_in_words(whole(rate), metric) : grouped(whole(rate));
  };
  std::string words;
  if (limit.limit) words = "limit " + number(*limit.limit);
  if (limit.ban_at) words += (words.empty() ? "ban at " : ", ban at ") + number(*limit.ban_at);
  return words.empty() ? words : fmt::format(" ({})", words);
}

std::optional<Meter> meter_of(const View& view, const fw_env& env, const fw_addr& key,
                              unsigned rule, bool verified, const Now& now) {
  std::array<fw_u32, FW_METRIC_COUNT> counts{};
  fw_policy_source_rates(&env, key, rule, verified ? 1 : 0, now.mono_ns, counts.data());
  if (counts[FW_METRIC_PACKETS] == 0) return std::nullopt;
  Meter meter{.rule = view.settings.rule_name(rule),
              .verified = verified,
              .rates = {},
              .limits = view.settings.limits_of(rule)};
  for (std::size_t i = 0; i < counts.size(); ++i)
    meter.rates.at(i) = per_second(counts.at(i), static_cast<fw_metric>(i));
  return meter;
}

}  // namespace

std::vector<Meter> meters_of(const View& view, const Prefix& prefix, const Now& now) {
  const fw_env env = view.datapath.tables().env(view.datapath.config());
  const fw_config& policy = *env.config;

  std::vector<Meter> meters;
  // The meters of the prefix of `bits` bits around it.
  const auto add = [&](unsigned bits, unsigned rule) {
    if (bits == 0 || prefix.bits < bits || (rule != 0 && policy.rule[rule].own == 0)) return;
    const fw_addr key = key_of(masked(prefix.address, bits));
    for (const bool verified : {false, true})
      if (auto meter = meter_of(view, env, key, rule, verified, now)) meters.push_back(*meter);
  };
  const bool v4 = prefix.is_v4(), link_local = is_link_local(prefix.address);
  for (unsigned rule = 0; rule < FW_RULE_OF_PREFIXES; ++rule)
    add(v4 || link_local ? 128U : policy.source_bits_v6, rule);
  if (v4 || !link_local) add(v4 ? policy.limit_bits_v4 : policy.limit_bits_v6, FW_RULE_OF_PREFIXES);
  return meters;
}

std::string in_words(const Meter& meter) {
  std::string words;
  for (std::size_t i = 0; i < meter.rates.size(); ++i) {
    const auto metric = static_cast<fw_metric>(i);
    if (meter.rates.at(i) == 0) continue;
    if (!words.empty()) words += ", ";
    words += rate_in_words(meter.rates.at(i), metric) + limit_in_words(meter.limits.at(i), metric);
  }
  if (meter.rule == "prefix")
    words += " from its prefix";
  else if (meter.rule != "default")
    words += fmt::format(" to service \"{}\"", meter.rule);
  if (meter.verified) words += ", in verified flows";
  return words;
}

nlohmann::json to_json(const Meter& meter) {
  nlohmann::json rates = nlohmann::json::object();
  for (std::size_t i = 0; i < meter.rates.size(); ++i) {
    const config::Limit& limit = meter.limits.at(i);
    nlohmann::json& rate = rates[std::string(metric_word(static_cast<fw_metric>(i)))];
    rate["per_s"] = meter.rates.at(i);
    if (limit.limit) rate["limit"] = *limit.limit;
    if (limit.ban_at) rate["ban_at"] = *limit.ban_at;
  }
  return {{"rule", meter.rule}, {"verified", meter.verified}, {"rates", std::move(rates)}};
}

}  // namespace fw::engine
