// SPDX-License-Identifier: MIT
#include "engine/settings/settings.hpp"

#include <fmt/format.h>

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

}  // namespace fw::engine
