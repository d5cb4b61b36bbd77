// SPDX-License-Identifier: MIT
#include "engine/changes.hpp"

#include <fmt/format.h>

#include "config/changes.hpp"

namespace fw::engine {

Result<void> check_fixed_settings(const config::Config& current, const config::Config& next) {
  std::vector<std::string> found;
  for (const config::Change& change : config::compare(current, next))
    if (change.effect == config::Effect::at_start) found.push_back(change.text());
  if (found.empty()) return {};
  return fail(
      ErrorKind::refused,
      fmt::format("{}: fixed while floodwalld runs; restart it to change that, or set it back "
                  "(nothing was applied)",
                  fmt::join(found, ", ")));
}

std::vector<std::string> describe_changes(const Settings& current, const Settings& next) {
  std::vector<std::string> out;
  // The operator may have set another mode than the configuration has.
  if (current.mode != next.mode)
    out.push_back(fmt::format("mode {} -> {}", word(current.mode), word(next.mode)));
  for (const config::Change& change : config::compare(current.config, next.config))
    if (change.what != "mode") out.push_back(change.text());
  return out;
}

}  // namespace fw::engine
