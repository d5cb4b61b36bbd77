// SPDX-License-Identifier: MIT
// Any text as a configuration: refused with a message, or a value whose compiled form keeps the
// bounds that the policy relies on.
#include "config/config.hpp"
#include "fuzz/check.hpp"

using fw::test::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = fw::config::parse(text, "f");
  if (!config) {
    check(!config.error().message.empty());
    return 0;
  }
  const fw::config::Compiled compiled = fw::config::compile(*config);
  check(compiled.ports.size() == FW_PORT_LINES && !compiled.rule_names.empty());
  for (const fw_rule& rule : compiled.policy.rule) {
    check(rule.action <= FW_ACTION_PASS);
    for (const fw_limit& limit : rule.limit)
      check(limit.cost_q8 < 1ULL << 38 && limit.burst <= 1U << 29);
  }
  for (const fw_port_line& line : compiled.ports)
    for (const fw_u8 rule : line.value) check(rule < compiled.rule_names.size());
  check(compiled.policy.source_bits_v6 >= 48 && compiled.policy.source_bits_v6 <= 128);
  return 0;
}
