// SPDX-License-Identifier: MIT
// The configuration and mode in force, and what was compiled from them. A value: the engine builds
// the next one aside and swaps it whole; every other room only reads it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace fw::engine {

enum class Mode : std::uint8_t { off, observe, enforce };
[[nodiscard]] std::string_view word(Mode mode);

struct Settings {
  config::Config config;
  config::Compiled compiled;
  config::Budgets budgets;  // in force: the configured ones, raised to the baseline
  Mode mode = Mode::off;    // config.mode, unless the operator changed it since

  [[nodiscard]] bool observing() const { return mode == Mode::observe; }
  // "default", "prefix", or the service whose rule it is.
  [[nodiscard]] std::string rule_name(unsigned rule) const;
  // The limits that hold under a rule.
  [[nodiscard]] const config::Limits& limits_of(unsigned rule) const;
  // How many packets or bytes may come at once under a rule; 0: its metric has no limit.
  [[nodiscard]] std::uint64_t burst_of(unsigned rule, fw_metric metric) const;
  // The rule of that name; that of all sources if there is none any more.
  [[nodiscard]] std::uint8_t rule_named(std::string_view name) const;
};

}  // namespace fw::engine
