// SPDX-License-Identifier: MIT
// What speaks against a ban: addresses that are never a source, and those a person would lock
// themselves out with.
#pragma once

#include <optional>
#include <string>

#include "engine/enforce/list_set.hpp"
#include "engine/enforce/protected.hpp"

namespace fw::engine {

// Why `prefix` must not be banned, as a sentence; none: nothing speaks against it. `force`
// overrides everything but what is never a source.
[[nodiscard]] std::optional<std::string> objection(const Prefix& prefix,
                                                   const Protected& protected_entries,
                                                   const ListTable& allow_list, bool force);

// "default gateway, DHCP server" as "your default gateway and DHCP server".
[[nodiscard]] std::string exemption_in_words(const std::string& why);

}  // namespace fw::engine
