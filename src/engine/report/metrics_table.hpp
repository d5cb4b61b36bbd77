// SPDX-License-Identifier: MIT
// Every series of `floodwall metrics`, once: docs/metrics.md has the same table (a test holds it to
// this one), and metrics.cpp can write no other. An attacker chooses how many sources there are: no
// label is an address, a port or a signature. Append; never give a name another meaning.
#pragma once

#include <array>
#include <string_view>

namespace fw::engine {

enum class MetricType { counter, gauge, histogram };

struct MetricFamily {
  std::string_view name;
  MetricType type;
  std::string_view labels;  // "reason verdict"
  std::string_view help;
};

inline constexpr auto kMetricFamilies = std::to_array<MetricFamily>({
    {"floodwall_build_info", MetricType::gauge, "version datapath",
     "1; the version, and what judges packets: xdp, nfqueue or off"},
    {"floodwall_start_time_seconds", MetricType::gauge, "", "when floodwalld started, Unix time"},
    {"floodwall_mode", MetricType::gauge, "mode",
     "1 for the mode in force: enforce, observe or off"},
    {"floodwall_problems", MetricType::gauge, "",
     "problems that floodwall status shows; 0 is healthy"},
    {"floodwall_packets_total", MetricType::counter, "reason verdict",
     "packets by the reason that decided; in mode observe verdict drop passes all the same"},
    {"floodwall_bytes_total", MetricType::counter, "reason verdict", "bytes of these packets"},
    {"floodwall_observed_drops_total", MetricType::counter, "",
     "packets that passed only because the mode was observe"},
    {"floodwall_class_packets_total", MetricType::counter, "class", "packets by traffic class"},
    {"floodwall_class_bytes_total", MetricType::counter, "class", "bytes of these packets"},
    {"floodwall_class_unverified_packets_total", MetricType::counter, "class",
     "of these packets, those of unverified sources"},
    {"floodwall_class_answered_total", MetricType::counter, "class",
     "handshakes completed and requests answered"},
    {"floodwall_budget_packets_per_second", MetricType::gauge, "class",
     "the budget in force, to one address or served port; without one there is no series"},
    {"floodwall_budget_configured_packets_per_second", MetricType::gauge, "class",
     "the configured one, which the budget in force may exceed by what was learned"},
    {"floodwall_new_sources_total", MetricType::counter, "", "places taken in the source table"},
    {"floodwall_untracked_packets_total", MetricType::counter, "",
     "packets of sources for which the source table had no place"},
    {"floodwall_bans", MetricType::gauge, "kind by",
     "bans and restrictions in force, made by the operator or by a limit"},
    {"floodwall_bans_capped_total", MetricType::counter, "",
     "bans that were not made: above ban.per_minute, or the table was full"},
    {"floodwall_signatures", MetricType::gauge, "", "signatures in force"},
    {"floodwall_attack_open", MetricType::gauge, "", "1 while an attack goes on"},
    {"floodwall_attack_vectors", MetricType::gauge, "", "vectors of the open attack"},
    {"floodwall_attack_packets_per_second", MetricType::gauge, "",
     "what the open attack sends above the budgets now, dropped or borne"},
    {"floodwall_table_slots", MetricType::gauge, "table", "places of a table"},
    {"floodwall_table_used", MetricType::gauge, "table",
     "places that are taken; only of the table of bans, exemptions and allowances"},
    {"floodwall_memory_bytes", MetricType::gauge, "", "of all tables and lists in the datapath"},
    {"floodwall_interface_attached", MetricType::gauge, "interface attachment",
     "1: the interface is protected by native, generic or queue; 0 with none: it is not"},
    {"floodwall_interface_unseen_packets_total", MetricType::counter, "interface",
     "packets that passed without being judged (datapath nfqueue)"},
    {"floodwall_list_entries", MetricType::gauge, "list", "entries of the deny and allow files"},
    {"floodwall_list_stale_files", MetricType::gauge, "",
     "list files whose last good version is in force instead of what is on disk"},
    {"floodwall_list_loaded_timestamp_seconds", MetricType::gauge, "list file",
     "since when the version of a list file in force is, Unix time; of the first 64 files"},
    {"floodwall_loop_lateness_seconds", MetricType::histogram, "",
     "how late floodwalld comes to its tick, ten times a second"},
    {"floodwall_alerts_waiting", MetricType::gauge, "alert", "messages that are not delivered yet"},
    {"floodwall_alerts_delivered_total", MetricType::counter, "alert", "messages delivered"},
    {"floodwall_alert_failures_total", MetricType::counter, "alert",
     "tries to deliver that failed"},
    {"floodwall_alerts_dropped_total", MetricType::counter, "alert",
     "messages for which the queue had no room"},
    {"floodwall_events_suppressed_total", MetricType::counter, "",
     "events of which the log has only the number"},
    {"floodwall_events_lost_total", MetricType::counter, "",
     "events of the datapath that found no room on the way to floodwalld"},
    {"floodwall_samples_lost_total", MetricType::counter, "", "samples of packets that found none"},
});

[[nodiscard]] constexpr std::string_view word(MetricType type) {
  switch (type) {
    case MetricType::counter:
      return "counter";
    case MetricType::gauge:
      return "gauge";
    case MetricType::histogram:
      return "histogram";
  }
  return "";
}

}  // namespace fw::engine
