// SPDX-License-Identifier: MIT
// The reply to `status`.
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "base/version.hpp"
#include "datapath/datapath.hpp"
#include "engine/journal/words.hpp"
#include "engine/report/report.hpp"

namespace fw::engine {
namespace {

using Json = nlohmann::json;

Json to_json(const Amount& amount) {
  return {{"packets", amount.packets}, {"bytes", amount.bytes}};
}

Json interfaces_of(const View& view) {
  Json interfaces = Json::array();
  for (const datapath::InterfaceStatus& status : view.interfaces)
    interfaces.push_back({{"name", status.name},
                          {"attachment", word(status.attachment)},
                          {"egress", status.egress},
                          {"unseen_packets", status.unseen_packets},
                          {"problem", status.problem}});
  return interfaces;
}

// "on", or "off: " and why.
std::string syn_cookies_of(const View& view) {
  const std::string why_not = view.datapath.why_no_syn_cookies();
  return why_not.empty() ? "on" : "off: " + printable(why_not);
}

Json traffic_of(const View& view) {
  const fw_counters& counters = view.traffic.counters();
  Json reasons = Json::object();
  for (unsigned i = 0; i < FW_REASON_COUNT; ++i)
    if (counters.packets[i] > 0)
      reasons[std::string(reason_word(static_cast<fw_reason>(i)))] =
          to_json(Amount{.packets = counters.packets[i], .bytes = counters.bytes[i]});
  Json classes = Json::object();
  for (unsigned i = 0; i < FW_CLASS_COUNT; ++i)
    if (counters.class_packets[i] > 0)
      classes[std::string(class_word(static_cast<fw_class>(i)))] =
          to_json(Amount{.packets = counters.class_packets[i], .bytes = counters.class_bytes[i]});
  const Amount all = total(counters);
  const Amount gone = view.traffic.dropped();
  return {{"packets", all.packets},
          {"bytes", all.bytes},
          {"dropped_packets", gone.packets},
          {"dropped_bytes", gone.bytes},
          {"observed_drops", view.traffic.observed().packets},
          {"observed_bytes", view.traffic.observed().bytes},
          {"bans_capped", counters.bans_capped},
          {"events_lost", counters.events_lost},
          {"reasons", std::move(reasons)},
          {"classes", std::move(classes)}};
}

// The newest that is over; null: none is known.
Json last_attack(const View& view, const Now& now) {
  if (view.detector.past().empty()) return nullptr;
  const Attack& attack = view.detector.past().back();
  return {{"id", attack.id},
          {"ended_s", (now.mono_ns - attack.end_ns) / kSecond},
          {"peak_pps", attack.peak_pps}};
}

Json tables_of(const View& view) {
  const datapath::Tables tables = view.datapath.tables();
  return {{"sources", {{"capacity", tables.sources.size() * FW_SOURCE_SLOTS}}},
          {"flows", {{"capacity", tables.flows.size() * FW_FLOW_SLOTS}}},
          {"bans", {{"capacity", tables.entries.size()}, {"used", view.entries_used()}}},
          {"memory_bytes", view.datapath.memory_bytes()}};
}

}  // namespace

Json status_report(const View& view, const Now& now) {
  const std::vector<std::string> problems = engine::problems(view);
  Json shown_problems = Json::array();
  for (const std::string& problem : problems) shown_problems.push_back(printable(problem));
  const ListSet& lists = view.lists;
  Json stale = Json::array();
  for (const std::string& file : lists.stale) stale.push_back(printable(file));
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(now.wall - view.started);
  return {{"version", kVersion},
          {"mode", word(view.settings.mode)},
          {"since", format_time(view.started)},
          {"uptime_s", uptime.count()},
          {"datapath", view.datapath.kind()},
          {"healthy", problems.empty()},
          {"problems", std::move(shown_problems)},
          {"interfaces", interfaces_of(view)},
          {"syn_cookies", syn_cookies_of(view)},
          {"exempt", list_report(view, "exempt", now)["exempt"]},
          {"counts",
           {{"bans", view.bans.all().size()},
            {"deny_entries", lists.deny.entries().size()},
            {"allow_entries",
             lists.allow.entries().size() + view.protected_entries.allowances().size()},
            {"exempt", view.protected_entries.exemptions().size()},
            {"signatures", view.detector.signatures().all().size()}}},
          {"stale", std::move(stale)},
          {"now", now_report(view)},
          {"seconds", seconds_report(view)},
          {"classes", classes_now(view, now)},
          {"attack", attack_now(view, now)},
          {"last_attack", last_attack(view, now)},
          {"suffering", view.detector.capacities().host_suffering()},
          {"services", services_report(view.detector, now)},
          {"traffic", traffic_of(view)},
          {"tables", tables_of(view)},
          {"log",
           {{"path", (view.settings.config.log.folder / "floodwall.log").native()},
            {"suppressed", view.journal.suppressed()}}}};
}

}  // namespace fw::engine
