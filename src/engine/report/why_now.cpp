// SPDX-License-Identifier: MIT
#include "engine/report/why_now.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/units.hpp"
#include "datapath/datapath.hpp"
#include "engine/journal/measured.hpp"
#include "engine/journal/words.hpp"
#include "engine/report/meters.hpp"
#include "engine/report/report.hpp"

namespace fw::engine {
namespace {

std::string rate(double pps) {
  return grouped(static_cast<std::uint64_t>(std::llround(pps))) + "/s";
}

std::string text_of(const PortKey& port) {
  return fmt::format("{}/{}", protocol_name(port.proto), port.port);
}

std::string drops(const View& view) {
  return view.settings.observing() ? "would be dropped" : "are dropped";
}

bool is_attached(const View& view) {
  return std::ranges::any_of(view.interfaces, [](const datapath::InterfaceStatus& status) {
    return status.attachment != datapath::Attachment::none;
  });
}

// The service whose port it is; null: none.
const config::Service* service_at(const View& view, const PortKey& port) {
  for (const config::Service& service : view.settings.config.services)
    for (const config::PortRange& range : service.ports)
      if (range.udp == (port.proto == FW_IPPROTO_UDP) && range.first <= port.port &&
          port.port <= range.last)
        return &service;
  return nullptr;
}

// Of what it sent in the last ten seconds, as far as it was sampled.
std::optional<Heavy<Address>> sampled(const View& view, const Prefix& prefix) {
  Heavy<Address> sum{.key = prefix.address, .packets = 0, .surplus = 0, .shares = {}, .ports = {}};
  bool any = false;
  for (const Heavy<Address>& heavy : view.watch.sources(false)) {
    if (masked(heavy.key, prefix.bits) != masked(prefix.address, prefix.bits)) continue;
    any = true;
    sum.packets += heavy.packets - heavy.surplus;
    sum.shares += heavy.shares;
  }
  return any ? std::optional(sum) : std::nullopt;
}

std::string reasons_in_words(const Shares& shares) {
  std::string words;
  for (unsigned i = 0; i < FW_REASON_COUNT; ++i) {
    if (fw_reason_drops(i) == 0 || i == FW_REASON_CHALLENGE || shares.by_reason[i] <= 0) continue;
    if (!words.empty()) words += ", ";
    words +=
        fmt::format("{} {}", reason_word(static_cast<fw_reason>(i)), rate(shares.by_reason[i]));
  }
  return words;
}

// The limits that it is above now.
std::string limits_exceeded(const View& view, const Prefix& prefix, const Now& now) {
  std::string words;
  for (const Meter& meter : meters_of(view, prefix, now)) {
    for (std::size_t i = 0; i < meter.rates.size(); ++i) {
      const auto& limit = meter.limits.at(i).limit;
      if (!limit || static_cast<double>(meter.rates.at(i)) <= *limit) continue;
      if (meter.verified && !meter.limits.at(i).peers) continue;
      const auto metric = static_cast<fw_metric>(i);
      if (!words.empty()) words += ", ";
      words += fmt::format("{} above {} (rule {})", rate_in_words(meter.rates.at(i), metric),
                           rate_in_words(static_cast<std::uint64_t>(*limit), metric), meter.rule);
    }
  }
  return words;
}

bool is_about(const VectorKey& key, const std::optional<PortKey>& port) {
  if (!port || key.port == 0) return true;
  const bool udp = key.traffic_class == FW_CLASS_UDP_NEW;
  return key.port == port->port && udp == (port->proto == FW_IPPROTO_UDP);
}

// The budgets that refuse packets now, a line each; whether there are any.
bool add_budgets(const View& view, const std::optional<PortKey>& port, WhyNow& answer) {
  bool any = false;
  const auto add = [&](const VectorKey& key, double pps, std::string_view what) {
    const auto& limit = view.settings.budgets.at(key.traffic_class).limit;
    answer.lines.push_back({"budget", fmt::format("{}: {} {}, above {}", fw::engine::text_of(key),
                                                  rate(pps), what, limit ? rate(*limit) : "none")});
    any = true;
  };
  const auto& services = view.detector.capacities().services();
  for (const auto& [key, service] : services)
    if (is_about(key, port) && service.refused_pps >= 1)
      add(key, service.refused_pps, fmt::format("of unverified sources {}", drops(view)));
  if (const auto& attack = view.detector.attack())
    for (const auto& [key, vector] : attack->vectors)
      if (is_about(key, port) && vector.pps >= 1 && !services.contains(key))
        add(key, vector.pps, fmt::format("of unverified sources {}", drops(view)));
  return any;
}

bool add_signatures(const View& view, WhyNow& answer) {
  for (const auto& [slot, signature] : view.detector.signatures().all())
    answer.lines.push_back(
        {"signature", fmt::format("{}: unverified packets with {} {}", signature_name(signature.id),
                                  signature.found.text, drops(view))});
  return !view.detector.signatures().all().empty();
}

void add_port(const View& view, const PortKey& port, WhyNow& answer) {
  const config::Service* service = service_at(view, port);
  std::string words = service != nullptr ? fmt::format("service \"{}\"", service->name)
                                         : "no [[service]] of its own";
  words += is_served(view, port) ? "; this host serves it" : "; nothing was seen to serve it";
  answer.lines.push_back({text_of(port), words});
}

void add_cookies(const View& view, const std::optional<PortKey>& port, WhyNow& answer) {
  if (port && port->proto != FW_IPPROTO_TCP) return;
  const std::string why_not = view.datapath.why_no_syn_cookies();
  answer.lines.push_back(
      {"SYN cookies", why_not.empty()
                          ? "on: a SYN above a budget is answered, so a client that is real gets in"
                          : "off, so a refused SYN is lost: " + why_not});
}

}  // namespace

std::optional<PortKey> parse_port(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view protocol = text.substr(0, slash);
  if (slash == std::string_view::npos || (protocol != "tcp" && protocol != "udp"))
    return std::nullopt;
  PortKey port{
      .proto = static_cast<std::uint8_t>(protocol == "tcp" ? FW_IPPROTO_TCP : FW_IPPROTO_UDP),
      .port = 0};
  const std::string_view digits = text.substr(slash + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), port.port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port.port == 0)
    return std::nullopt;
  return port;
}

WhyNow why_now(const View& view, const Prefix& prefix, const std::optional<PortKey>& port,
               const Now& now) {
  WhyNow answer;
  const std::string subject = prefix.text();
  answer.remedies = {"block it: floodwall ban " + subject,
                     "never drop it: floodwall allow " + subject};
  if (port) add_port(view, *port, answer);
  const bool short_of_budget = add_budgets(view, port, answer);
  const bool signatures = add_signatures(view, answer);
  const auto sent = sampled(view, prefix);
  const std::string above = limits_exceeded(view, prefix, now);
  if (short_of_budget || signatures) add_cookies(view, port, answer);
  if (sent && sent->shares.dropped() > 0)
    answer.lines.push_back({"lost", fmt::format("of about {} lately: {}", rate(sent->packets),
                                                reasons_in_words(sent->shares))});
  if (!above.empty()) answer.lines.push_back({"limit", above});

  const config::Service* service = port ? service_at(view, *port) : nullptr;
  if (view.settings.mode == Mode::off) {
    answer.headline = "NOT FILTERED: mode is off, so nothing is attached";
    answer.remedies.emplace_back("switch on: floodwall mode enforce");
  } else if (!is_attached(view)) {
    answer.headline = "NOT FILTERED: nothing is attached to any interface";
    answer.remedies.emplace_back("see why: floodwall status");
  } else if (service != nullptr && service->action == config::Action::drop) {
    answer.loses = true;
    answer.headline =
        fmt::format("CLOSED: {} {}, by service \"{}\"", text_of(*port),
                    view.settings.observing() ? "would be dropped" : "is dropped", service->name);
  } else if (service != nullptr && service->action == config::Action::pass) {
    answer.headline =
        fmt::format("OPEN: {} passes unjudged, by service \"{}\"", text_of(*port), service->name);
  } else if (!above.empty()) {
    answer.loses = true;
    answer.headline = fmt::format("LIMITED: what it sends above its limits {}",
                                  view.settings.observing() ? "would be dropped" : "is dropped");
  } else if (sent && sent->shares.dropped() > 0) {
    answer.loses = true;
    answer.headline = fmt::format("LOSES PACKETS: about {} of {} lately {}",
                                  rate(sent->shares.dropped()), rate(sent->packets), drops(view));
  } else if (signatures) {
    answer.headline = "NOT BLOCKED by itself, but what matches a signature is lost";
  } else if (short_of_budget) {
    answer.headline =
        "NOT BLOCKED by itself, but packets of unverified sources are lost to a budget";
  } else {
    answer.headline = "NOT BLOCKED: nothing speaks against it but the limits that hold for all";
  }
  return answer;
}

}  // namespace fw::engine
