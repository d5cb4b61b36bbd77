// SPDX-License-Identifier: MIT
// Reading the members of a reply for display. A newer or older daemon may leave a member out or
// give it another type: it then reads as empty, never as an error.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace fw::cli {

// Strings as they are, numbers and flags as they are written, anything else "".
[[nodiscard]] std::string text_of(const nlohmann::json& value);
[[nodiscard]] std::string text(const nlohmann::json& object, std::string_view key);
// 0 if it is no number or negative.
[[nodiscard]] std::uint64_t number(const nlohmann::json& object, std::string_view key);
[[nodiscard]] bool flag(const nlohmann::json& object, std::string_view key);
// An array or object; an empty one (which outlives every caller) if there is none.
[[nodiscard]] const nlohmann::json& list(const nlohmann::json& object, std::string_view key);
[[nodiscard]] const nlohmann::json& object(const nlohmann::json& object, std::string_view key);
// A number of seconds as a duration: "1h2m".
[[nodiscard]] std::string seconds(const nlohmann::json& object, std::string_view key);

// A share from 0 to 1 as "12.3 %"; "" if it is no number.
[[nodiscard]] std::string percent(const nlohmann::json& object, std::string_view key);

}  // namespace fw::cli
