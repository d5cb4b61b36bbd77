// SPDX-License-Identifier: MIT
// The reply to `metrics`. Debian 12 has no library that writes this format; it is ten lines.
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <initializer_list>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "base/terminal_text.hpp"
#include "base/version.hpp"
#include "datapath/datapath.hpp"
#include "engine/journal/words.hpp"
#include "engine/report/metrics_table.hpp"
#include "engine/report/report.hpp"

namespace fw::engine {
namespace {

constexpr std::size_t kMostFiles = 64;

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Prometheus' text format 0.0.4: a backslash, a quote and a line feed are escaped.
std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : printable(value)) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

std::string labels_text(Labels labels) {
  std::string out;
  for (const auto& [name, value] : labels)
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "{" : ",", name, escaped(value));
  return out.empty() ? out : out + "}";
}

// All samples of a family follow each other.
class Text {
 public:
  void begin(std::string_view name) {
    const auto* family = std::ranges::find(kMetricFamilies, name, &MetricFamily::name);
    assert(family != kMetricFamilies.end() && "a row of kMetricFamilies");
    name_ = name;
    fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", name, family->help,
                   name, word(family->type));
  }
  template <typename Value>
  void add(Labels labels, Value value, std::string_view suffix = "") {
    fmt::format_to(std::back_inserter(out_), "{}{}{} {}\n", name_, suffix, labels_text(labels),
                   value);
  }
  template <typename Value>
  void one(std::string_view name, Value value) {
    begin(name);
    add({}, value);
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::string_view name_;
};

double unix_seconds(std::chrono::system_clock::time_point time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

void add_daemon(Text& text, const View& view) {
  const bool off = view.settings.mode == Mode::off;
  text.begin("floodwall_build_info");
  text.add({{"version", kVersion}, {"datapath", off ? "off" : view.datapath.kind()}}, 1);
  text.one("floodwall_start_time_seconds", fmt::format("{:.3f}", unix_seconds(view.started)));
  text.begin("floodwall_mode");
  for (const Mode mode : {Mode::enforce, Mode::observe, Mode::off})
    text.add({{"mode", word(mode)}}, mode == view.settings.mode ? 1 : 0);
  text.one("floodwall_problems", problems(view).size());
}

void add_traffic(Text& text, const View& view) {
  const fw_counters& counters = view.traffic.counters();
  const auto by_reason = [&](std::string_view name, const auto& counts) {
    text.begin(name);
    for (unsigned i = 0; i < FW_REASON_COUNT; ++i)
      text.add({{"reason", reason_word(static_cast<fw_reason>(i))},
                {"verdict", fw_reason_drops(i) != 0 ? "drop" : "pass"}},
               counts[i]);
  };
  by_reason("floodwall_packets_total", counters.packets);
  by_reason("floodwall_bytes_total", counters.bytes);
  text.one("floodwall_observed_drops_total", view.traffic.observed().packets);
  const auto by_class = [&](std::string_view name, const auto& counts) {
    text.begin(name);
    for (unsigned i = 0; i < FW_CLASS_COUNT; ++i)
      text.add({{"class", class_word(static_cast<fw_class>(i))}}, counts[i]);
  };
  by_class("floodwall_class_packets_total", counters.class_packets);
  by_class("floodwall_class_bytes_total", counters.class_bytes);
  by_class("floodwall_class_unverified_packets_total", counters.class_unverified);
  by_class("floodwall_class_answered_total", counters.class_answered);
}

void add_budgets(Text& text, const View& view) {
  const auto add = [&](std::string_view name, const config::Budgets& budgets) {
    text.begin(name);
    for (unsigned i = 0; i < FW_CLASS_COUNT; ++i)
      if (budgets[i].limit)
        text.add({{"class", class_word(static_cast<fw_class>(i))}}, *budgets[i].limit);
  };
  add("floodwall_budget_packets_per_second", view.settings.budgets);
  add("floodwall_budget_configured_packets_per_second", view.settings.config.budgets);
}

void add_sources(Text& text, const View& view) {
  const fw_counters& counters = view.traffic.counters();
  text.one("floodwall_new_sources_total", counters.new_sources);
  text.one("floodwall_untracked_packets_total", counters.untracked);
  std::uint64_t bans[2][2] = {};  // [restricted][by the operator]
  for (const auto& [prefix, ban] : view.bans.all())
    ++bans[ban.restricted ? 1 : 0][ban.by == BannedBy::operator_ ? 1 : 0];
  text.begin("floodwall_bans");
  for (const int restricted : {0, 1})
    for (const int by : {0, 1})
      text.add(
          {{"kind", restricted != 0 ? "restrict" : "ban"}, {"by", by != 0 ? "operator" : "limit"}},
          bans[restricted][by]);
  text.one("floodwall_bans_capped_total", counters.bans_capped);
}

void add_attack(Text& text, const View& view) {
  text.one("floodwall_signatures", view.detector.signatures().all().size());
  const std::optional<Attack>& attack = view.detector.attack();
  text.one("floodwall_attack_open", attack ? 1 : 0);
  text.one("floodwall_attack_vectors", attack ? attack->vectors.size() : 0);
  double pps = 0;
  if (attack)
    for (const auto& [key, vector] : attack->vectors) pps += vector.pps;
  text.one("floodwall_attack_packets_per_second", fmt::format("{:.0f}", pps));
}

void add_tables(Text& text, const View& view) {
  const datapath::Tables tables = view.datapath.tables();
  text.begin("floodwall_table_slots");
  text.add({{"table", "sources"}}, tables.sources.size() * FW_SOURCE_SLOTS);
  text.add({{"table", "flows"}}, tables.flows.size() * FW_FLOW_SLOTS);
  text.add({{"table", "bans"}}, tables.entries.size());
  text.begin("floodwall_table_used");
  text.add({{"table", "bans"}}, view.entries_used());
  text.one("floodwall_memory_bytes", view.datapath.memory_bytes());
}

void add_interfaces(Text& text, const View& view) {
  text.begin("floodwall_interface_attached");
  for (const datapath::InterfaceStatus& status : view.interfaces)
    text.add({{"interface", status.name}, {"attachment", word(status.attachment)}},
             status.attachment == datapath::Attachment::none ? 0 : 1);
  text.begin("floodwall_interface_unseen_packets_total");
  for (const datapath::InterfaceStatus& status : view.interfaces)
    text.add({{"interface", status.name}}, status.unseen_packets);
}

void add_lists(Text& text, const View& view) {
  const ListSet& lists = view.lists;
  text.begin("floodwall_list_entries");
  text.add({{"list", "deny"}}, lists.deny.entries().size());
  text.add({{"list", "allow"}}, lists.allow.entries().size());
  text.one("floodwall_list_stale_files", lists.stale.size());
  text.begin("floodwall_list_loaded_timestamp_seconds");
  std::set<std::pair<std::string_view, std::string_view>> seen;  // a series must not be there twice
  for (const auto& [list, table] : {std::pair{"deny", &lists.deny}, {"allow", &lists.allow}})
    for (std::size_t i = 0; i < table->files().size(); ++i)
      if (seen.size() < kMostFiles && seen.emplace(list, table->files()[i]).second)
        text.add({{"list", list}, {"file", table->files()[i]}},
                 fmt::format("{:.0f}", unix_seconds(table->loaded()[i])));
}

void add_figures(Text& text, const View& view) {
  const LoopFigures& loop = view.figures.loop;
  text.begin("floodwall_loop_lateness_seconds");
  std::uint64_t ticks = 0;
  for (std::size_t i = 0; i < LoopFigures::kBoundsMs.size(); ++i) {
    ticks += loop.ticks.at(i);
    text.add({{"le", fmt::format("{}", static_cast<double>(LoopFigures::kBoundsMs.at(i)) / 1000)}},
             ticks, "_bucket");
  }
  ticks += loop.ticks.back();
  text.add({{"le", "+Inf"}}, ticks, "_bucket");
  text.add({}, loop.seconds, "_sum");
  text.add({}, ticks, "_count");
  const auto by_alert = [&](std::string_view name, std::uint64_t AlertFigures::* member) {
    text.begin(name);
    for (const AlertFigures& each : view.figures.alerts)
      text.add({{"alert", each.name}}, each.*member);
  };
  by_alert("floodwall_alerts_waiting", &AlertFigures::waiting);
  by_alert("floodwall_alerts_delivered_total", &AlertFigures::delivered);
  by_alert("floodwall_alert_failures_total", &AlertFigures::failures);
  by_alert("floodwall_alerts_dropped_total", &AlertFigures::dropped);
}

}  // namespace

std::string metrics_text(const View& view) {
  Text text;
  add_daemon(text, view);
  add_traffic(text, view);
  add_budgets(text, view);
  add_sources(text, view);
  add_attack(text, view);
  add_tables(text, view);
  add_interfaces(text, view);
  add_lists(text, view);
  add_figures(text, view);
  text.one("floodwall_events_suppressed_total", view.journal.suppressed());
  text.one("floodwall_events_lost_total", view.traffic.counters().events_lost);
  text.one("floodwall_samples_lost_total", view.traffic.counters().samples_lost);
  return text.take();
}

}  // namespace fw::engine
