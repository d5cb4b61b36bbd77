// SPDX-License-Identifier: MIT
// The replies of the API that show the engine's state (docs/api.md): status, list, why, events,
// baseline. Read-only.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
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

// Every series of metrics_table.hpp, in Prometheus' text format 0.0.4: what GET /metrics answers
// with the type "text/plain; version=0.0.4; charset=utf-8". Some tens of kilobytes at most.
[[nodiscard]] std::string metrics_text(const View& view);

// `what`: one of control::kLists.
[[nodiscard]] nlohmann::json list_report(const View& view, std::string_view what, const Now& now);

// Every list, rule, counter and history that concerns an address, and the verdict; `port`: of what
// it sends there.
[[nodiscard]] nlohmann::json why_report(const View& view, const Prefix& prefix,
                                        const std::optional<PortKey>& port, const Now& now);

struct EventQuery {
  std::uint64_t since_ns = FW_FOREVER;  // how far back
  std::uint64_t after = 0;              // an id; one not assigned yet (a restart) means: all
  std::uint64_t limit = 1000;           // the newest
  // All that are given must hold.
  std::optional<Prefix> prefix{};  // about an address in it, or about one that holds it
  std::vector<EventType> types{};  // any of them
  std::string attack{};            // its id: of it, and of its signatures
  std::optional<std::chrono::system_clock::time_point> from{}, until{};
};
[[nodiscard]] nlohmann::json events_report(const Journal& journal, const EventQuery& query,
                                           const Now& now);

// The rates of the last ten seconds.
[[nodiscard]] nlohmann::json now_report(const View& view);
// What was counted in each of the last ten seconds that are over.
[[nodiscard]] nlohmann::json seconds_report(const View& view);
// Each class: what arrives of it, and how much of its budget is used.
[[nodiscard]] nlohmann::json classes_now(const View& view, const Now& now);
// The open attack (null: none) as it is now: its trend, and what each vector is.
[[nodiscard]] nlohmann::json attack_now(const View& view, const Now& now);
// The heaviest sources and prefixes, or ports, of the last ten seconds.
[[nodiscard]] nlohmann::json sources_report(const View& view, bool by_dropped, const Now& now);
[[nodiscard]] nlohmann::json ports_report(const View& view, bool by_dropped);
// Whether a service listens or answers there.
[[nodiscard]] bool is_served(const View& view, const PortKey& key);

// The open attack (null: none), all attacks, the signatures in force.
[[nodiscard]] nlohmann::json attack_report(const Detector& detector, const Now& now);
// One attack, whole. `config_file`: for the command that replays its packets; empty: none.
[[nodiscard]] nlohmann::json whole_attack_report(const Attack& attack,
                                                 const std::string& config_file, const Now& now);
[[nodiscard]] nlohmann::json attacks_report(const Detector& detector, const Now& now);
[[nodiscard]] nlohmann::json signatures_report(const Detector& detector, const Now& now);
// The services above their budgets lately: what passes, and what they are given if they suffer.
[[nodiscard]] nlohmann::json services_report(const Detector& detector, const Now& now);

// The baseline, and the budgets that follow from it.
[[nodiscard]] nlohmann::json baseline_report(const View& view);

}  // namespace fw::engine
