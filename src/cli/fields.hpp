// SPDX-License-Identifier: MIT
// Reads the members of a reply for display. A newer or older daemon may leave a member out or give
// it another type: the member then reads as empty, never as an error.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace fw::cli {

// A string as it is, a number or flag as JSON writes it, anything else as "".
[[nodiscard]] std::string text_of(const nlohmann::json& value);
[[nodiscard]] std::string text(const nlohmann::json& object, std::string_view key);
// 0 if the member is no number or negative.
[[nodiscard]] std::uint64_t number(const nlohmann::json& object, std::string_view key);
[[nodiscard]] bool flag(const nlohmann::json& object, std::string_view key);
// An array or object; a static empty one if there is none.
[[nodiscard]] const nlohmann::json& list(const nlohmann::json& object, std::string_view key);
[[nodiscard]] const nlohmann::json& object(const nlohmann::json& object, std::string_view key);
// A number of seconds as a duration: "1h2m".
[[nodiscard]] std::string seconds(const nlohmann::json& object, std::string_view key);

// A share from 0 to 1 as "12.3 %"; "" if it is no number.
[[nodiscard]] std::string percent(const nlohmann::json& object, std::string_view key);

}  // namespace fw::cli
