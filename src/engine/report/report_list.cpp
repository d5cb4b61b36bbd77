// SPDX-License-Identifier: MIT
// The reply to `list`.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "engine/report/report.hpp"
#include "lists/list_file.hpp"

namespace fw::engine {
namespace {

using Json = nlohmann::json;

std::string until_text(std::uint64_t until_ns, const Now& now) {
  return until_ns == FW_FOREVER ? "forever" : format_time(wall_at(now, until_ns));
}

Json ban_of(const View& view, const Prefix& prefix, const Ban& ban, const Now& now) {
  const std::uint64_t until_ns = view.bans.until_ns(prefix, ban);
  const Bans::Drops drops = view.bans.drops(prefix, ban);
  Json row = {{"address", prefix.text()},
              {"kind", ban.restricted ? "restrict" : "ban"},
              {"until", until_text(until_ns, now)},
              {"rule", ban.rule},
              {"reason", printable(ban.reason)},
              {"offence", ban.offence},
              {"since", format_time(began_at(ban, now))},
              {"by", ban.by == BannedBy::operator_ ? "operator" : "limit"},
              {"dropped", drops.dropped},
              {"would_drop", drops.observed}};
  if (until_ns != FW_FOREVER)
    row["left_s"] = until_ns > now.mono_ns ? (until_ns - now.mono_ns + kSecond - 1) / kSecond : 0;
  return row;
}

Json entry_of(const ListTable& table, const ListEntry& entry) {
  return {{"entry", lists::range_text(entry.first, entry.last)},
          {"file", table.file_of(entry)},
          {"line", entry.line},
          {"comment", printable(table.comment_of(entry))}};
}

// Adds the entries of a table as `name`, and to `truncated` how many were left out.
void add_entries(Json& report, Json& truncated, const char* name, const ListTable& table) {
  Json rows = Json::array();
  const std::vector<ListEntry>& entries = table.entries();
  const std::size_t shown = std::min(entries.size(), kMaxListed);
  for (std::size_t i = 0; i < shown; ++i) rows.push_back(entry_of(table, entries[i]));
  if (shown < entries.size()) truncated[name] = entries.size() - shown;
  report[name] = std::move(rows);
}

}  // namespace

Json list_report(const View& view, std::string_view what, const Now& now) {
  const auto wanted = [&](std::string_view name) { return what == name || what == "all"; };
  Json report = Json::object();
  Json truncated = Json::object();
  if (wanted("bans")) {
    Json rows = Json::array();
    for (const auto& [prefix, ban] : view.bans.all())
      rows.push_back(ban_of(view, prefix, ban, now));
    report["bans"] = std::move(rows);
  }
  if (wanted("deny")) add_entries(report, truncated, "deny", view.lists.deny);
  if (wanted("allow")) {
    add_entries(report, truncated, "allow", view.lists.allow);
    for (const auto& [prefix, allowance] : view.protected_entries.allowances())
      report["allow"].push_back({{"entry", prefix.text()},
                                 {"until", until_text(allowance.until_ns, now)},
                                 {"comment", printable(allowance.comment)}});
  }
  if (wanted("exempt")) {
    Json rows = Json::array();
    for (const auto& [prefix, why] : view.protected_entries.exemptions()) {
      const bool suspended = view.protected_entries.suspended(prefix);
      rows.push_back({{"address", prefix.text()},
                      {"why", suspended ? why + " (suspended: banned with --force)" : why}});
    }
    report["exempt"] = std::move(rows);
  }
  if (wanted("signatures")) report["signatures"] = signatures_report(view.detector, now);
  if (wanted("attacks")) report["attacks"] = attacks_report(view.detector, now);
  if (!truncated.empty()) report["truncated"] = std::move(truncated);
  return report;
}

}  // namespace fw::engine
