// SPDX-License-Identifier: MIT
// The lock-out guard: objects to bans of addresses that are never a source, and of those by whose
// ban operators would lock themselves out.
#pragma once

#include <optional>
#include <string>

#include "engine/enforce/list_set.hpp"
#include "engine/enforce/protected.hpp"

namespace fw::engine {

// Why `prefix` must not be banned, as a sentence; none: it may. `force` overrides every objection
// but those to addresses that are never a source.
[[nodiscard]] std::optional<std::string> objection(const Prefix& prefix,
                                                   const Protected& protected_entries,
                                                   const ListTable& allow_list, bool force);

// "default gateway, DHCP server" as "your default gateway and DHCP server".
[[nodiscard]] std::string exemption_in_words(const std::string& why);

}  // namespace fw::engine
