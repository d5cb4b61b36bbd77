// SPDX-License-Identifier: MIT
// A ban and an allowance as texts that outlive the daemon, and back.
#pragma once

#include <string>

#include "engine/enforce/bans.hpp"
#include "engine/enforce/protected.hpp"
#include "engine/kept/kept.hpp"
#include "engine/kept/kept_text.hpp"
#include "engine/settings/settings.hpp"

namespace fw::engine {

// `until_ns`: as the datapath has it now.
[[nodiscard]] std::string text_of(const Ban& ban, std::uint64_t until_ns, const KeptClock& clock,
                                  const Now& now);
// Its rule is found by name, since numbers change with the configuration.
[[nodiscard]] Ban ban_of(const KeptText& text, const KeptClock& clock, const Settings& settings,
                         const Now& now);

[[nodiscard]] std::string text_of(const Allowance& allowance, const KeptClock& clock);
[[nodiscard]] Allowance allowance_of(const KeptText& text, const KeptClock& clock);

}  // namespace fw::engine
