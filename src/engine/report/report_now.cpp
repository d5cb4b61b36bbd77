// SPDX-License-Identifier: MIT
// What goes on at this moment: the first lines of `status`.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/units.hpp"
#include "datapath/address_key.hpp"
#include "datapath/datapath.hpp"
#include "engine/journal/words.hpp"
#include "engine/report/report.hpp"

namespace fw::engine {
namespace {

using Json = nlohmann::json;

std::uint64_t whole(double rate) {
  return static_cast<std::uint64_t>(std::llround(rate));
}

constexpr double kMuchMore = 1.3, kMuchLess = 0.7;  // judgement: less is chance
constexpr double kNothingPps = 1;

// "rising", "steady", "fading", or "over": nothing came for three seconds.
std::string_view trend_word(const Watch::Trend& trend) {
  if (trend.lately < kNothingPps) return "over";
  if (trend.lately > kMuchMore * trend.before) return "rising";
  return trend.lately < kMuchLess * trend.before ? "fading" : "steady";
}

// What is done with a vector's packets.
std::string done_with(const View& view, const VectorKey& key, const Vector& vector,
                      const Rates& rates) {
  const bool observing = view.settings.observing();
  const std::string drop = observing ? "passes (observe); would be dropped" : "dropped";
  std::string signatures;
  for (const auto& [slot, signature] : view.detector.signatures().all())
    if ((signature.found.classes >> key.traffic_class & 1) != 0 && signature.pps >= kNothingPps)
      signatures += (signatures.empty() ? "" : ", ") + signature_name(signature.id);
  if (!signatures.empty()) return fmt::format("{} by signature {}", drop, signatures);
  const auto& services = view.detector.capacities().services();
  const auto service = services.find(key);
  const bool borne = service != services.end() && service->second.passed_pps >= kNothingPps;
  if (borne && !service->second.loop.restricted()) return "passes: its service bears it";
  if (key.traffic_class == FW_CLASS_TCP_SYN && rates.challenged >= kNothingPps)
    return "answered with SYN cookies: clients get in";
  if (vector.pps < kNothingPps) return "none now";
  const config::Budget& budget = view.settings.budgets.at(key.traffic_class);
  return budget.limit
             ? fmt::format("{} above its budget of {}/s", drop, grouped(whole(*budget.limit)))
             : drop;
}

Json vector_now(const View& view, const VectorKey& key, const Vector& vector, const Rates& rates) {
  const Senders senders =
      view.watch.senders({.traffic_class = static_cast<std::uint8_t>(key.traffic_class),
                          .dst = key.dst,
                          .port = key.port});
  Json row = {{"class", class_word(key.traffic_class)},
              {"dest_ip", key.dst == Address{} ? "" : key.dst.text()},
              {"dest_port", key.dst == Address{} ? 0 : key.port},
              {"pps", whole(vector.pps)},
              {"refused", vector.refused},
              {"borne", vector.borne},
              {"peak_pps", vector.peak_pps},
              {"done", done_with(view, key, vector, rates)},
              {"sampled", senders.sampled},
              {"sources", senders.sources}};
  if (senders.share > 0) {
    row["heaviest"] = senders.heaviest.text();
    row["heaviest_share"] = senders.share;
  }
  return row;
}

// The tokens that the fullest budget of each class gave in the last window, per second: of all
// addresses together half, since those may have twice as much.
std::array<double, FW_CLASS_COUNT> tokens_used(const View& view, const Now& now) {
  std::array<double, FW_CLASS_COUNT> used{};
  const auto window = static_cast<std::uint32_t>((now.mono_ns >> FW_WINDOW_SHIFT) - 1);
  for (const fw_budget& budget : view.datapath.tables().budgets) {
    if (budget.used == 0 || budget.traffic_class >= FW_CLASS_COUNT) continue;
    const double share = from_key(budget.dst) == Address{} ? 0.5 : 1;
    double& most = used.at(budget.traffic_class);
    most = std::max(most, share * unanswered_pps(budget, window));
  }
  return used;
}

}  // namespace

Json classes_now(const View& view, const Now& now) {
  const Rates rates = view.watch.rates();
  const std::vector<SecondCounted> history = view.watch.history();
  const std::array<double, FW_CLASS_COUNT> used = tokens_used(view, now);
  Json rows = Json::array();
  for (unsigned i = 0; i < FW_CLASS_COUNT; ++i) {
    const Rates::OfClass& rate = rates.by_class[i];
    Json row = {{"class", class_word(static_cast<fw_class>(i))},
                {"in_pps", whole(rate.in)},
                {"unverified_pps", whole(rate.unverified)},
                {"refused_pps", whole(rate.refused)},
                {"by_second", Json::array()}};
    if (const auto& limit = view.settings.budgets.at(i).limit) {
      row["budget_pps"] = static_cast<std::uint64_t>(std::ceil(*limit));
      row["used_pps"] = whole(used.at(i));
    }
    for (const SecondCounted& second : history)
      row["by_second"].push_back(whole(second.by_class[i]));
    rows.push_back(std::move(row));
  }
  return rows;
}

Json seconds_report(const View& view) {
  Json in = Json::array(), passed = Json::array(), dropped = Json::array();
  std::uint64_t newest = 0;
  for (const SecondCounted& second : view.watch.history()) {
    newest = second.number;
    in.push_back(whole(second.in));
    passed.push_back(whole(second.passed));
    dropped.push_back(whole(second.dropped));
  }
  return {{"newest", newest},
          {"in", std::move(in)},
          {"passed", std::move(passed)},
          {"dropped", std::move(dropped)}};
}

Json now_report(const View& view) {
  const Rates rates = view.watch.rates();
  return {{"window_s", whole(rates.seconds)},         {"in_pps", whole(rates.in)},
          {"in_bytes_per_s", whole(rates.in_bytes)},  {"passed_pps", whole(rates.passed)},
          {"dropped_pps", whole(rates.dropped)},      {"would_drop_pps", whole(rates.observed)},
          {"challenged_pps", whole(rates.challenged)}};
}

Json attack_now(const View& view, const Now& now) {
  Json report = attack_report(view.detector, now);
  if (report.is_null()) return report;
  const Rates rates = view.watch.rates();
  const Watch::Trend trend = view.watch.trend();
  report["trend"] = trend_word(trend);
  report["pps"] = whole(trend.lately);
  std::vector<std::pair<VectorKey, const Vector*>> vectors;
  for (const auto& [key, vector] : view.detector.attack()->vectors)
    vectors.emplace_back(key, &vector);
  std::ranges::stable_sort(vectors, std::greater<>(),
                           [](const auto& each) { return each.second->pps; });
  report["vectors"] = Json::array();
  for (const auto& [key, vector] : vectors)
    report["vectors"].push_back(vector_now(view, key, *vector, rates));
  return report;
}

}  // namespace fw::engine
