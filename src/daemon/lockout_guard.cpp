// SPDX-License-Identifier: MIT
#include "daemon/lockout_guard.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "abi/words.hpp"

namespace fw::daemon {
namespace {

std::string at(const std::string& place) {
  return place.empty() ? std::string() : place + ": ";
}

std::string closed_in_words(const std::string& service, const config::Source& source) {
  const std::string key = fmt::format("service.{}.action", service);
  return fmt::format(
      "{}action = \"drop\" of service \"{}\" closes the port. Take its SSH port out of that "
      "service, or put the addresses that log in on allow.list",
      at(config::place_of(source, key)), service);
}

// The most exact place that is set.
std::string limit_in_words(const std::string& rule, std::optional<fw_metric> metric,
                           const config::Source& source) {
  const bool is_service = rule != "default" && rule != "prefix";
  const std::string section = (is_service ? "service." : "limit.") + rule;
  const std::string word(metric ? kMetricWords[*metric] : std::string_view("packets"));
  std::string key = fmt::format("{}.{}", section, word);
  std::string place = config::place_of(source, key);
  if (place.empty() && is_service) {  // the service has the limits of the default
    key = "limit.default." + word;
    place = config::place_of(source, key);
  }
  return fmt::format("{}it is above {}. Raise that limit, or put the address on allow.list",
                     at(place), key);
}

std::string denied_in_words(const Cut& cut, const engine::ListTable& deny) {
  const engine::ListEntry* entry = deny.covering({.address = cut.source, .bits = 128});
  if (entry == nullptr) return "it is on a deny list";
  return fmt::format("{}: {} is denied. Take it off the list, or: floodwall allow {}",
                     deny.place_of(*entry), lists::range_text(entry->first, entry->last),
                     cut.source.text());
}

}  // namespace

host::ExemptKinds kinds_of(const config::Exempt& exempt) {
  return {.own_addresses = exempt.own_addresses,
          .gateway = exempt.gateway,
          .dns = exempt.dns,
          .dhcp = exempt.dhcp,
          .operator_sessions = exempt.operator_sessions};
}

std::vector<engine::Exemption> engine_exemptions(const std::vector<host::ExemptAddress>& found) {
  std::vector<engine::Exemption> exemptions;
  exemptions.reserve(found.size());
  for (const host::ExemptAddress& exemption : found)
    exemptions.push_back(
        {.address = exemption.address, .why = exemption.why, .own = exemption.own});
  return exemptions;
}

std::vector<engine::OwnPrefix> engine_own(const host::Network& network) {
  std::vector<engine::OwnPrefix> own;
  for (host::OwnPrefix& one : host::own_prefixes(network))
    own.push_back({.prefix = one.prefix, .what = std::move(one.what)});
  return own;
}

std::vector<std::string> LockoutGuard::objections(const Candidate& next, const Candidate* current,
                                                  const Now& now) const {
  std::vector<std::string> sentences = interface_objections(next, current);
  const std::vector<Cut> lost = cuts(next, now);
  if (lost.empty()) return sentences;
  const std::vector<Cut> lost_already =
      current == nullptr ? std::vector<Cut>{} : cuts(*current, now);
  for (const Cut& cut : lost)
    if (std::ranges::find(lost_already, cut.what, &Cut::what) == lost_already.end())
      sentences.push_back(in_words(cut, next));
  return sentences;
}

std::vector<Cut> LockoutGuard::cuts(const Candidate& candidate, const Now& now) const {
  const auto exempt =
      engine_exemptions(host::exemptions(lifelines_.facts, kinds_of(candidate.config.exempt)));
  std::vector<std::byte> built;
  if (candidate.image.empty()) built = candidate.lists.image({}).value_or(std::vector<std::byte>());
  const auto trial = Trial::begin({.config = candidate.config,
                                   .image = candidate.image.empty() ? built : candidate.image,
                                   .exemptions = exempt,
                                   .allowances = allowances_,
                                   .baseline = baseline_,
                                   .listeners = lifelines_.listeners,
                                   .answers_syns = answers_syns_},
                                  now);
  // What cannot be put on trial cannot be published either, and that error says why.
  return trial ? find_cuts(**trial, lifelines_) : std::vector<Cut>{};
}

std::string LockoutGuard::in_words(const Cut& cut, const Candidate& candidate) const {
  const auto compiled = config::compile(candidate.config);
  const std::string rule = cut.decision.rule == FW_RULE_OF_PREFIXES ? "prefix"
                           : cut.decision.rule < compiled.rule_names.size()
                               ? compiled.rule_names[cut.decision.rule]
                               : "default";
  std::string why;
  switch (cut.decision.reason) {
    case FW_REASON_DENY:
      why = denied_in_words(cut, candidate.lists.deny);
      break;
    case FW_REASON_CLOSED:
      why = closed_in_words(rule, candidate.source);
      break;
    case FW_REASON_LIMIT:
    case FW_REASON_BAN:
    case FW_REASON_RESTRICT:
      why = limit_in_words(rule, cut.metric, candidate.source);
      break;
    case FW_REASON_BUDGET: {
      const std::string key = fmt::format("budget.{}", kClassWords[cut.decision.traffic_class]);
      why = fmt::format("{}it is above {}. Raise that budget",
                        at(config::place_of(candidate.source, key)), key);
      break;
    }
    default:
      why = fmt::format("its packets are dropped ({})", kReasonWords[cut.decision.reason]);
  }
  return fmt::format("{} would be cut off: {}{}", cut.what, why, exemption_off(cut, candidate));
}

std::string LockoutGuard::exemption_off(const Cut& cut, const Candidate& candidate) const {
  struct Switch {
    bool config::Exempt::* set;
    bool host::ExemptKinds::* kind;
    const char* name;
  };
  static constexpr std::array<Switch, 4> kSwitches{{
      {&config::Exempt::gateway, &host::ExemptKinds::gateway, "gateway"},
      {&config::Exempt::dns, &host::ExemptKinds::dns, "dns"},
      {&config::Exempt::dhcp, &host::ExemptKinds::dhcp, "dhcp"},
      {&config::Exempt::operator_sessions, &host::ExemptKinds::operator_sessions,
       "operator_sessions"},
  }};
  for (const Switch& one : kSwitches) {
    if (candidate.config.exempt.*one.set) continue;
    host::ExemptKinds only{.own_addresses = false,
                           .gateway = false,
                           .dns = false,
                           .dhcp = false,
                           .operator_sessions = false};
    only.*one.kind = true;
    const auto found = host::exemptions(lifelines_.facts, only);
    if (std::ranges::find(found, cut.source, &host::ExemptAddress::address) == found.end())
      continue;
    const std::string key = fmt::format("exempt.{}", one.name);
    return fmt::format(". {}{} = false takes its exemption away",
                       at(config::place_of(candidate.source, key)), key);
  }
  return {};
}

std::vector<std::string> LockoutGuard::interface_objections(const Candidate& next,
                                                            const Candidate* current) const {
  const auto exists = [&](const std::string& name) {
    return name == "auto" ||
           std::ranges::find(lifelines_.facts.network.interfaces, name, &host::Interface::name) !=
               lifelines_.facts.network.interfaces.end();
  };
  const std::vector<std::string>& names = next.config.interfaces;
  if (current != nullptr && names == current->config.interfaces) return {};
  if (std::ranges::any_of(names, exists)) return {};
  std::vector<std::string> here;
  for (const host::Interface& interface : lifelines_.facts.network.interfaces)
    if (!interface.loopback) here.push_back(interface.name);
  return {
      fmt::format("nothing would be protected: {}interface = \"{}\": there is no such "
                  "interface. This host has {}",
                  at(config::place_of(next.source, "interface")), fmt::join(names, ", "),
                  here.empty() ? "none" : fmt::format("{}", fmt::join(here, ", ")))};
}

}  // namespace fw::daemon
