// SPDX-License-Identifier: MIT
// The configuration and mode in force and what was compiled of them: swapped whole by the engine.
#pragma once

#include <fmt/format.h>

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
  config::Budgets budgets;  // in force: the configuration's, raised to what is usual here
  Mode mode = Mode::off;    // config.mode, unless the operator said otherwise since

  [[nodiscard]] bool observing() const { return mode == Mode::observe; }
  [[nodiscard]] std::string rule_name(unsigned rule) const {
    if (rule == FW_RULE_OF_PREFIXES) return "prefix";
    return rule < compiled.rule_names.size() ? compiled.rule_names[rule]
                                             : fmt::format("rule-{}", rule);
  }
};

}  // namespace fw::engine
