// SPDX-License-Identifier: MIT
// The replies to `list sources` and `list ports`: the heaviest of the last ten seconds. What lists
// and bans do not stop is estimated from samples (watch/watch.hpp). Banned and restricted sources
// are counted by their entries, those above a limit by their meters, over the last second.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "datapath/datapath.hpp"
#include "engine/journal/measured.hpp"
#include "engine/journal/words.hpp"
#include "engine/report/meters.hpp"
#include "engine/report/report.hpp"

namespace fw::engine {
namespace {

using Json = nlohmann::json;

constexpr double kLeastShare = 0.002;  // of all packets; judgement: less stands out from nothing
constexpr std::size_t kShown = 20;     // judgement: a screen
constexpr std::size_t kBansLookedAt = 20'000;  // judgement: some milliseconds

struct Row {
  Prefix prefix;
  double packets = 0, dropped = 0, surplus = 0;  // a second
  std::string word;                              // empty: by its shares
  Shares shares;
  std::map<PortKey, double> ports;
  std::uint64_t bytes = 0;  // a second, where only they are metered
};

std::uint64_t whole(double rate) {
  return static_cast<std::uint64_t>(std::llround(std::max(0.0, rate)));
}

std::string port_text(const PortKey& key) {
  return key.port == 0 ? protocol_name(key.proto)
                       : fmt::format("{}/{}", protocol_name(key.proto), key.port);
}

Prefix single(const Address& address) {
  return {.address = address, .bits = 128};
}

// The word for what happens to most of its packets.
std::string word_of(const Shares& shares) {
  double most = shares.borne;
  std::string word = "borne";
  for (unsigned i = 0; i < FW_REASON_COUNT; ++i) {
    if (shares.by_reason[i] <= most) continue;
    most = shares.by_reason[i];
    word = reason_word(static_cast<fw_reason>(i));
  }
  return word;
}

std::string word_of(const View& view, const Row& row) {
  const fw_reason access = view.datapath.access(row.prefix.address);
  if (access != FW_REASON_PASS) return std::string(reason_word(access));
  return row.word.empty() ? word_of(row.shares) : row.word;
}

std::string command_for(const std::string& word, const Prefix& prefix) {
  const std::string address = prefix.text();
  if (word == "ban" || word == "restrict") return "floodwall unban " + address;
  if (word == "exempt" || word == "allow" || word == "deny" || word == "verified")
    return "floodwall why " + address;
  return fmt::format("floodwall ban {} --for 1h", address);
}

Json json_of(const View& view, const Row& row, double in) {
  const std::string word = word_of(view, row);
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [port, packets] : row.ports) order.emplace_back(-packets, port_text(port));
  std::ranges::sort(order);
  Json ports = Json::array();
  for (const auto& [packets, text] : order) ports.push_back(text);
  Json json = {{"source", row.prefix.text()},
               {"pps", whole(row.packets)},
               {"dropped_pps", view.settings.observing() ? 0 : whole(row.dropped)},
               {"share", in > 0 ? std::min(1.0, row.packets / in) : 0},
               {"surplus_pps", whole(row.surplus)},
               {"word", word},
               {"ports", std::move(ports)},
               {"command", command_for(word, row.prefix)}};
  if (view.settings.observing()) json["would_drop_pps"] = whole(row.dropped);
  if (row.bytes != 0) json["bytes_per_s"] = row.bytes;
  return json;
}

void add_sampled(const View& view, bool by_dropped, std::map<Prefix, Row>& rows) {
  std::size_t taken = 0;
  for (const Heavy<Address>& heavy : view.watch.sources(by_dropped)) {
    if (++taken > Watch::kPlaces) break;
    rows[single(heavy.key)] = {.prefix = single(heavy.key),
                               .packets = heavy.packets,
                               .dropped = heavy.shares.dropped(),
                               .surplus = heavy.surplus,
                               .word = {},
                               .shares = heavy.shares,
                               .ports = heavy.ports,
                               .bytes = 0};
  }
}

void add_banned(const View& view, const Now& now, std::map<Prefix, Row>& rows) {
  std::size_t looked_at = 0;
  for (const auto& [prefix, ban] : view.bans.all()) {
    if (++looked_at > kBansLookedAt) break;
    const std::uint64_t rate = view.bans.rate(prefix, now);
    if (rate == 0) continue;
    Row& row = rows[prefix];
    row.prefix = prefix;
    row.word = ban.restricted ? "restrict" : "ban";
    if (ban.metric == FW_METRIC_BYTES) {
      row.bytes = rate;
      continue;
    }
    row.packets += static_cast<double>(rate);
    row.dropped += static_cast<double>(rate);
    if (ban.measured && ban.measured->dport != 0)
      row.ports[{.proto = ban.measured->proto, .port = ban.measured->dport}] +=
          static_cast<double>(rate);
  }
}

// What a source sends above its limits is dropped.
void add_limited(const View& view, const Now& now, std::map<Prefix, Row>& rows) {
  for (const Prefix& source : view.limited) {
    double packets = 0, dropped = 0;
    for (const Meter& meter : meters_of(view, source, now)) {
      packets += static_cast<double>(meter.rates[FW_METRIC_PACKETS]);
      double above = 0;
      for (std::size_t i = 0; i < meter.rates.size(); ++i) {
        const auto& limit = meter.limits.at(i).limit;
        const auto rate = static_cast<double>(meter.rates.at(i));
        if (!limit || rate <= *limit) continue;
        const double share = (rate - *limit) / rate;
        above = std::max(above, share * static_cast<double>(meter.rates[FW_METRIC_PACKETS]));
      }
      dropped += above;
    }
    if (dropped <= 0) continue;
    Row& row = rows[source];
    row.prefix = source;
    row.packets = std::max(row.packets, packets);
    row.dropped = std::max(row.dropped, dropped);
    if (row.word.empty()) row.word = "limit";
  }
}

Json shown(const View& view, std::vector<Row> rows, bool by_dropped, double in) {
  const auto weight = [&](const Row& row) {
    return by_dropped ? row.dropped : row.packets - row.surplus;
  };
  std::erase_if(rows, [&](const Row& row) {
    return !row.bytes && row.packets - row.surplus < kLeastShare * in;
  });
  if (by_dropped)
    std::erase_if(rows, [](const Row& row) { return row.dropped <= 0 && !row.bytes; });
  std::ranges::stable_sort(rows, [&](const Row& a, const Row& b) { return weight(a) > weight(b); });
  Json out = Json::array();
  for (std::size_t i = 0; i < std::min(rows.size(), kShown); ++i)
    out.push_back(json_of(view, rows[i], in));
  return out;
}

}  // namespace

Json sources_report(const View& view, bool by_dropped, const Now& now) {
  const double in = view.watch.rates().in;
  std::map<Prefix, Row> found;
  add_sampled(view, by_dropped, found);
  add_banned(view, now, found);
  add_limited(view, now, found);
  std::vector<Row> rows;
  for (auto& [prefix, row] : found) rows.push_back(std::move(row));
  std::vector<Row> prefixes;
  for (const Heavy<Prefix>& heavy : view.watch.prefixes(by_dropped))
    prefixes.push_back({.prefix = heavy.key,
                        .packets = heavy.packets,
                        .dropped = heavy.shares.dropped(),
                        .surplus = heavy.surplus,
                        .word = {},
                        .shares = heavy.shares,
                        .ports = {},
                        .bytes = 0});
  return {{"by", by_dropped ? "dropped" : "packets"},
          {"now", now_report(view)},
          {"sources", shown(view, std::move(rows), by_dropped, in)},
          {"prefixes", shown(view, std::move(prefixes), by_dropped, in)}};
}

Json ports_report(const View& view, bool by_dropped) {
  const double in = view.watch.rates().in;
  Json rows = Json::array();
  for (const Heavy<PortKey>& heavy : view.watch.ports(by_dropped)) {
    if (rows.size() == kShown) break;
    const double dropped = heavy.shares.dropped();
    rows.push_back(
        {{"port", port_text(heavy.key)},
         {"pps", whole(heavy.packets)},
         {"dropped_pps", view.settings.observing() ? 0 : whole(dropped)},
         {"share", in > 0 ? std::min(1.0, heavy.packets / in) : 0},
         {"surplus_pps", whole(heavy.surplus)},
         {"served", is_served(view, heavy.key)},
         {"word", word_of(heavy.shares)},
         {"command", "floodwall list sources" + std::string(dropped > 0 ? " --by dropped" : "")}});
    if (view.settings.observing()) rows.back()["would_drop_pps"] = whole(dropped);
  }
  return {{"by", by_dropped ? "dropped" : "packets"},
          {"now", now_report(view)},
          {"ports", std::move(rows)}};
}

bool is_served(const View& view, const PortKey& key) {
  const std::span<const fw_port_line> served = view.datapath.tables().served;
  const std::size_t index = key.port + (key.proto == FW_IPPROTO_UDP ? 65'536U : 0U);
  return index / FW_LINE_BYTES < served.size() &&
         served[index / FW_LINE_BYTES].value[index % FW_LINE_BYTES] != FW_PORT_CLOSED;
}

}  // namespace fw::engine
