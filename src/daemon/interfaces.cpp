// SPDX-License-Identifier: MIT
#include "daemon/interfaces.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fw::daemon {
namespace {

bool exists(const host::Network& network, const std::string& name) {
  return std::ranges::find(network.interfaces, name, &host::Interface::name) !=
         network.interfaces.end();
}

// Does the datapath itself say what is wrong with it?
bool is_reported(const datapath::Datapath& datapath, const std::string& name) {
  return std::ranges::any_of(datapath.interfaces(), [&](const auto& status) {
    return status.name == name && !status.problem.empty();
  });
}

}  // namespace

void Interfaces::follow(const std::vector<std::string>& configured, const host::Network& network,
                        datapath::Datapath& datapath) {
  problems_.clear();
  const std::set<std::string> names = wanted(configured, network);
  for (const datapath::InterfaceStatus& status : datapath.interfaces())
    if (!names.contains(status.name)) datapath.detach(status.name);
  for (const std::string& name : names) {
    if (!exists(network, name)) {
      if (!is_reported(datapath, name))
        problems_.push_back(
            fmt::format("{}: there is no such interface; it is protected once it appears", name));
    } else if (const Result<void> attached = datapath.attach(name); !attached) {
      problems_.push_back(attached.error().message);
    }
  }
  if (names.empty())
    problems_.emplace_back(
        "interface = \"auto\" finds no uplink: there is no default route; name the interface in "
        "floodwall.toml, or it is protected once there is a route");
  followed_ = names;
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
    // A route that flaps must not open the door: what was an uplink is protected while it exists.
    for (const std::string& former : followed_)
      if (exists(network, former)) names.insert(former);
  }
  return names;
}

}  // namespace fw::daemon
