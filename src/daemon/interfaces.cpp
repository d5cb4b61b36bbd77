// SPDX-License-Identifier: MIT
#include "daemon/interfaces.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "datapath/datapath.hpp"

namespace fw::daemon {
namespace {

bool exists(const host::Network& network, const std::string& name) {
  return std::ranges::find(network.interfaces, name, &host::Interface::name) !=
         network.interfaces.end();
}

// Whether it is a port of a bridge or bond among `names`: all that arrives on it is judged there,
// and would be counted twice if it were judged on the port as well.
bool is_port_of(const std::set<std::string>& names, const host::Network& network,
                const std::string& name) {
  const auto& all = network.interfaces;
  const auto port = std::ranges::find(all, name, &host::Interface::name);
  if (port == all.end() || port->master_index == 0) return false;
  const auto master = std::ranges::find(all, port->master_index, &host::Interface::index);
  return master != all.end() && master->kind != "vrf" && names.contains(master->name);
}

// Whether the datapath itself reports what is wrong with the interface.
bool is_reported(const datapath::Datapath& datapath, const std::string& name) {
  return std::ranges::any_of(datapath.interfaces(), [&](const auto& status) {
    return status.name == name && !status.problem.empty();
  });
}

unsigned index_of(const host::Network& network, const std::string& name) {
  const auto found = std::ranges::find(network.interfaces, name, &host::Interface::name);
  return found == network.interfaces.end() ? 0 : found->index;
}

// Whether packets of the interface are judged, under whatever name it was attached.
bool is_on(const datapath::Datapath& datapath, unsigned index) {
  return index != 0 && std::ranges::any_of(datapath.interfaces(), [index](const auto& status) {
           return status.index == index && status.attachment != datapath::Attachment::none;
         });
}

bool is_on_any(const datapath::Datapath& datapath) {
  return std::ranges::any_of(datapath.interfaces(), [](const auto& status) {
    return status.attachment != datapath::Attachment::none;
  });
}

}  // namespace

void Interfaces::update(const std::vector<std::string>& configured, const host::Network& network,
                        datapath::Datapath& datapath) {
  problems_.clear();
  unprotected_.clear();
  inability_.clear();
  const std::set<std::string> names = wanted(configured, network);
  for (const std::string& name : names) {
    if (!exists(network, name)) {
      constexpr std::string_view kMissing =
          "there is no such interface; it is protected once it appears";
      if (!is_reported(datapath, name))
        add_problem(name, std::string(kMissing), fmt::format("{}: {}", name, kMissing));
    } else if (const Result<void> attached = datapath.attach(name); !attached) {
      add_problem(name, attached.error().message, attached.error().message);
      if (attached.error().kind == ErrorKind::failed) inability_ = attached.error().message;
    }
  }
  // Afterwards: an interface that has a new name has been attached under that.
  for (const datapath::InterfaceStatus& status : datapath.interfaces())
    if (!names.contains(status.name)) datapath.detach(status.name);
  add_unlisted(names, network, datapath);
  if (is_on_any(datapath)) inability_.clear();
  if (names.empty())
    problems_.emplace_back(
        "interface = \"auto\" finds no uplink: there is no default route; name the interface in "
        "floodwall.toml, or it is protected once there is a route");
  wanted_ = names;
}

// Packets of everybody arrive there as well.
void Interfaces::add_unlisted(const std::set<std::string>& names, const host::Network& network,
                              const datapath::Datapath& datapath) {
  for (const std::string& uplink : host::uplinks(network))
    if (!names.contains(uplink) && !is_port_of(names, network, uplink) &&
        !is_on(datapath, index_of(network, uplink)))
      problems_.push_back(
          fmt::format("{} has a default route and is not protected: name it in `interface`, or "
                      "write interface = \"auto\"",
                      uplink));
}

void Interfaces::add_problem(const std::string& name, std::string problem, std::string sentence) {
  problems_.push_back(std::move(sentence));
  unprotected_.push_back({.name = name,
                          .attachment = datapath::Attachment::none,
                          .egress = false,
                          .problem = std::move(problem)});
}

std::set<std::string> Interfaces::wanted(const std::vector<std::string>& configured,
                                         const host::Network& network) const {
  std::set<std::string> names;
  for (const std::string& name : configured) {
    if (name != "auto") {
      names.insert(name);
      continue;
    }
    for (const std::string& uplink : host::uplinks(network)) names.insert(uplink);
    // A flapping route must not end protection: what was an uplink stays wanted while it exists.
    for (const std::string& former : wanted_)
      if (exists(network, former)) names.insert(former);
  }
  const std::set<std::string> all = names;
  std::erase_if(names, [&](const std::string& name) {
    return is_port_of(all, network, name) &&
           std::ranges::find(configured, name) == configured.end();
  });
  return names;
}

}  // namespace fw::daemon
