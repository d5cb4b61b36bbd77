// SPDX-License-Identifier: MIT
// What the engine believes, as the replies of the API (docs/api.md): status, list, why, events.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/report/view.hpp"

namespace fw::engine {

// At most so many deny and allow entries in one reply; "truncated" says how many were left out.
inline constexpr std::size_t kMaxListed = 10'000;

// Everything that is not as it should be, a sentence each; empty: healthy.
[[nodiscard]] std::vector<std::string> problems(const View& view);

[[nodiscard]] nlohmann::json status_report(const View& view, const Now& now);

// `what`: one of control::kLists.
[[nodiscard]] nlohmann::json list_report(const View& view, std::string_view what, const Now& now);

// Every list, rule, counter and history that concerns an address, and the verdict.
[[nodiscard]] nlohmann::json why_report(const View& view, const Prefix& prefix, const Now& now);

struct EventQuery {
  std::uint64_t since_ns = FW_FOREVER;  // how far back
  std::uint64_t after = 0;              // an id; one that was not given yet means: all (new start)
  std::uint64_t limit = 1000;           // the newest
};
[[nodiscard]] nlohmann::json events_report(const Journal& journal, const EventQuery& query,
                                           const Now& now);

// Floods in aggregate: the attack that is on (null: none), those that were, and signatures.
[[nodiscard]] nlohmann::json attack_report(const Detector& detector, const Now& now);
[[nodiscard]] nlohmann::json attacks_report(const Detector& detector, const Now& now);
[[nodiscard]] nlohmann::json signatures_report(const Detector& detector, const Now& now);

// What is usual here, and the budgets that come of it.
[[nodiscard]] nlohmann::json baseline_report(const View& view);

}  // namespace fw::engine
