// SPDX-License-Identifier: MIT
// The reply to `attack`: one attack, whole.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "base/units.hpp"
#include "engine/journal/measured.hpp"
#include "engine/journal/words.hpp"
#include "engine/report/report.hpp"

namespace fw::engine {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kBits = 8;

Json total_of(const Attack& attack) {
  const Offered& all = attack.offered;
  const auto challenge = attack.by_reason.find(FW_REASON_CHALLENGE);
  const std::uint64_t asked = challenge == attack.by_reason.end() ? 0 : challenge->second;
  const bool observed = attack.observed > 0;
  const std::uint64_t refused = all.refused_packets - std::min(all.refused_packets, asked);
  return {{"packets", all.packets},
          {"bits", all.bytes * kBits},
          {"observed", observed},
          {"refused_packets", refused},
          {"refused_bits", all.refused_bytes * kBits},
          {"challenged_packets", asked},
          {"passed_packets", all.packets - std::min(all.packets, all.refused_packets)},
          {"passed_bits", (all.bytes - std::min(all.bytes, all.refused_bytes)) * kBits},
          {"borne_packets", attack.borne},
          {"peak_pps", all.peak_pps},
          {"peak_bps", all.peak_bytes_per_s * kBits},
          {"peak_refused_pps", all.peak_refused_pps}};
}

Json vectors_of(const Attack& attack) {
  std::vector<std::pair<VectorKey, const Vector*>> order;
  for (const auto& [key, vector] : attack.vectors) order.emplace_back(key, &vector);
  std::ranges::stable_sort(order, [](const auto& a, const auto& b) {
    return a.second->refused + a.second->borne > b.second->refused + b.second->borne;
  });
  Json rows = Json::array();
  for (const auto& [key, vector] : order) {
    const std::uint64_t apart = vector->by_signature + vector->by_limit + vector->by_ban;
    rows.push_back({{"class", class_word(key.traffic_class)},
                    {"dest_ip", key.dst == Address{} ? "" : key.dst.text()},
                    {"dest_port", key.dst == Address{} ? 0 : key.port},
                    {"peak_pps", vector->peak_pps},
                    {"refused", vector->refused},
                    {"by_signature", vector->by_signature},
                    {"by_limit", vector->by_limit},
                    {"by_ban", vector->by_ban},
                    {"by_budget", vector->refused - std::min(vector->refused, apart)},
                    {"borne", vector->borne},
                    {"may_be_forged", vector->refused + vector->borne > vector->by_ban}});
  }
  return rows;
}

Json senders_of(const std::vector<Sender>& senders, const Attack& attack) {
  std::uint64_t all = attack.borne;
  for (const auto& [key, vector] : attack.vectors) all += vector.refused;
  Json rows = Json::array();
  for (const Sender& sender : senders) {
    Json row = {{"source", sender.source.text()},
                {"packets", sender.packets},
                {"surplus", sender.surplus},
                {"share", all == 0 ? 0.0
                                   : std::min(1.0, static_cast<double>(sender.packets) /
                                                       static_cast<double>(all))},
                {"proto", protocol_name(sender.proto)},
                {"dest_port", sender.dport},
                {"proven", sender.proven}};
    if (sender.limit != 0) {
      row["value"] = sender.value;
      row["limit"] = sender.limit;
      row["measure"] = metric_word(sender.metric);
      row["rate"] = rate_in_words(sender.value, sender.metric);
      row["limit_rate"] = rate_in_words(sender.limit, sender.metric);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// What replays it: its file holds a sample, so rates in it are lower than the attack's.
Json capture_of(const Attack& attack, const std::string& config_file) {
  if (attack.capture.empty()) return nullptr;
  std::string protect;
  for (const Address& target : attack.targets)
    protect += (protect.empty() ? "" : ",") + target.text();
  std::string command = "floodwall replay " + attack.capture;
  if (!protect.empty()) command += " --protect " + protect;
  if (!config_file.empty()) command += " --config " + config_file;
  return {{"file", attack.capture}, {"replay", std::move(command)}};
}

}  // namespace

Json whole_attack_report(const Attack& attack, const std::string& config_file, const Now& now) {
  const bool ended = attack.end_ns != 0;
  const std::uint64_t end_ns = ended ? attack.end_ns : now.mono_ns;
  Json reasons = Json::object(), signatures = Json::array();
  for (const auto& [reason, packets] : attack.by_reason)
    reasons[std::string(reason_word(reason))] = packets;
  for (const auto& [name, used] : attack.signatures)
    signatures.push_back({{"id", name}, {"match", used.match}, {"packets", used.packets}});
  return {{"id", attack.id},
          {"since", format_time(wall_at(now, attack.since_ns))},
          {"until", ended ? Json(format_time(wall_at(now, end_ns))) : Json(nullptr)},
          {"duration_s", (end_ns - attack.since_ns) / kSecond},
          {"ended", ended},
          {"suffering", attack.suffering},
          {"peak_pps", attack.peak_pps},
          {"total", total_of(attack)},
          {"vectors", vectors_of(attack)},
          {"new_sources", attack.sources},
          {"prefixes", senders_of(attack.prefixes, attack)},
          {"sources", senders_of(attack.senders, attack)},
          {"reasons", std::move(reasons)},
          {"signatures", std::move(signatures)},
          {"served",
           {{"verified_packets", attack.offered.verified},
            {"handshakes", attack.offered.handshakes},
            {"answered", attack.offered.answered}}},
          {"capture", capture_of(attack, config_file)}};
}

}  // namespace fw::engine
