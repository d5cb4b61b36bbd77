// SPDX-License-Identifier: MIT
#include "setup/explain.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fw::setup {

namespace {

using nlohmann::json;

const host::Interface* find(const host::Network& network, const std::string& name) {
  const auto found = std::ranges::find(network.interfaces, name, &host::Interface::name);
  return found == network.interfaces.end() ? nullptr : &*found;
}

std::string names_of(const host::Network& network) {
  std::vector<std::string> names;
  for (const host::Interface& one : network.interfaces)
    if (!one.loopback) names.push_back(one.name);
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

// "eth0 (virtio_net, 198.51.100.7, 2001:db8::7)"
std::string described(const host::Interface& one) {
  std::vector<std::string> parts;
  if (!one.driver.empty()) parts.push_back(one.driver);
  for (const host::InterfaceAddress& own : one.addresses) parts.push_back(own.address.text());
  if (!one.up) parts.emplace_back("switched off");
  return parts.empty() ? one.name : fmt::format("{} ({})", one.name, fmt::join(parts, ", "));
}

}  // namespace

Result<Selection> choose(const host::HostFacts& facts, const std::vector<std::string>& wanted) {
  for (const std::string& name : wanted) {
    const host::Interface* const one = find(facts.network, name);
    if (one == nullptr)
      return fail(ErrorKind::usage, fmt::format("there is no interface {}; there are: {}", name,
                                                names_of(facts.network)));
    if (one->loopback)
      return fail(ErrorKind::usage,
                  fmt::format("{} is the loopback: floods do not come from there", name));
  }
  if (!wanted.empty()) return Selection{.interfaces = wanted, .written = wanted};
  auto uplinks = host::uplinks(facts.network);
  if (uplinks.empty())
    return fail(
        fmt::format("no interface has a default route, so none is the uplink. Name the one "
                    "to protect: --interface IF; there are: {}",
                    names_of(facts.network)));
  return Selection{.interfaces = std::move(uplinks), .written = {"auto"}};
}

std::string explain(const host::HostFacts& facts, const Selection& selection, config::Mode mode) {
  std::string out = "Floodwall will protect\n";
  for (const std::string& name : selection.interfaces)
    if (const host::Interface* const one = find(facts.network, name))
      out += fmt::format("  {}\n", described(*one));
  if (selection.written == std::vector<std::string>{"auto"})
    out += "  because the default route leads there (interface = \"auto\" follows it)\n";
  out += "It never drops packets of\n";
  const auto exempt = host::exemptions(facts, {});
  std::size_t widest = 0;
  for (const host::ExemptAddress& one : exempt)
    widest = std::max(widest, one.address.text().size());
  for (const host::ExemptAddress& one : exempt)
    out += fmt::format("  {:<{}}  {}\n", one.address.text(), widest, one.why);
  if (exempt.empty()) out += "  nobody: this machine has no address yet\n";
  if (facts.operators.empty())
    out += "  (nobody is logged in over SSH now; whoever logs in will be exempt as well)\n";
  out += mode == config::Mode::observe
             ? "Mode observe: it reports what it would drop, and drops nothing.\n"
             : "Mode enforce: sources above their limits are dropped, floods are banned for a "
               "while.\n";
  return out;
}

json explain_json(const host::HostFacts& facts, const Selection& selection, config::Mode mode) {
  json exempt = json::array();
  for (const host::ExemptAddress& one : host::exemptions(facts, {}))
    exempt.push_back({{"address", one.address.text()}, {"why", one.why}});
  return {{"interfaces", selection.interfaces},
          {"interface", selection.written},
          {"exempt", std::move(exempt)},
          {"mode", mode == config::Mode::observe ? "observe" : "enforce"}};
}

}  // namespace fw::setup
