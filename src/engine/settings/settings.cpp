// SPDX-License-Identifier: MIT
#include "engine/settings/settings.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fw::engine {

std::string_view word(Mode mode) {
  switch (mode) {
    case Mode::off:
      return "off";
    case Mode::observe:
      return "observe";
    case Mode::enforce:
      return "enforce";
  }
  return "";
}

std::string Settings::rule_name(unsigned rule) const {
  if (rule == FW_RULE_OF_PREFIXES) return "prefix";
  return rule < compiled.rule_names.size() ? compiled.rule_names[rule]
                                           : fmt::format("rule-{}", rule);
}

const config::Limits& Settings::limits_of(unsigned rule) const {
  if (rule == FW_RULE_OF_PREFIXES) return config.limit_prefix.limits;
  if (rule == 0 || rule > config.services.size()) return config.limit_default;
  const config::Service& service = config.services[rule - 1];
  return service.limits ? *service.limits : config.limit_default;
}

std::uint64_t Settings::burst_of(unsigned rule, fw_metric metric) const {
  const config::Limit& limit = limits_of(rule).at(metric);
  if (!limit.limit) return 0;
  constexpr double kMs = 1000;
  return static_cast<std::uint64_t>(*limit.limit * static_cast<double>(limit.burst.count()) / kMs);
}

std::uint8_t Settings::rule_named(std::string_view name) const {
  if (name == rule_name(FW_RULE_OF_PREFIXES)) return FW_RULE_OF_PREFIXES;
  const auto at = std::ranges::find(compiled.rule_names, name);
  return at == compiled.rule_names.end()
             ? std::uint8_t{0}
             : static_cast<std::uint8_t>(at - compiled.rule_names.begin());
}

}  // namespace fw::engine
