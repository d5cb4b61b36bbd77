// SPDX-License-Identifier: MIT
// Replies of the daemon as text for people, one function for each form of reply. Pure functions.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "cli/style.hpp"

namespace fw::cli {

// Ends with a newline unless it is empty. docs/api.md has the form of each verb's reply.
[[nodiscard]] std::string render(std::string_view verb, const nlohmann::json& reply,
                                 const Style& style);

// For more addresses than this, ban, unban, allow and unallow print a count instead of a line each
// (judgement: what fits a terminal).
inline constexpr std::size_t kMostResultLines = 20;

[[nodiscard]] std::string render_status(const nlohmann::json& reply, const Style& style);
// The first lines of `status`: rates, and the attack.
[[nodiscard]] std::string render_now(const nlohmann::json& reply, const Style& style);
[[nodiscard]] std::string render_attack(const nlohmann::json& reply, const Style& style);
// `list sources` and `list ports`.
[[nodiscard]] std::string render_heavy(const nlohmann::json& reply, const Style& style);
[[nodiscard]] std::string render_list(const nlohmann::json& reply, const Style& style);
[[nodiscard]] std::string render_why(const nlohmann::json& reply, const Style& style);
[[nodiscard]] std::string render_results(std::string_view verb, const nlohmann::json& reply);
// "message", then each of "changes" (apply) below it.
[[nodiscard]] std::string render_message(const nlohmann::json& reply);
[[nodiscard]] std::string render_baseline(const nlohmann::json& reply, const Style& style);
// Text for a file, as it is.
[[nodiscard]] std::string render_suggestion(const nlohmann::json& reply);
// `attack`, as Markdown; and a mail about one of its "sources".
[[nodiscard]] std::string render_attack_report(const nlohmann::json& reply);
[[nodiscard]] std::string render_abuse_mail(const nlohmann::json& reply,
                                            const nlohmann::json& source);
[[nodiscard]] std::string render_settings(const nlohmann::json& reply, const Style& style);
[[nodiscard]] std::string render_events(const nlohmann::json& reply);

}  // namespace fw::cli
