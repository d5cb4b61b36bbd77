// SPDX-License-Identifier: MIT
// Attaches the datapath to the interfaces that the configuration names, where "auto" means the
// current uplinks, and detaches it from all others, as interfaces come and go.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "datapath/interface_status.hpp"
#include "host/network.hpp"

namespace fw::daemon {

class Interfaces {
 public:
  // Attaches to wanted interfaces that exist, detaches from unwanted ones. Call it whenever the
  // network, the configuration or the datapath changed, and periodically.
  void update(const std::vector<std::string>& configured, const host::Network& network,
              datapath::Datapath& datapath);

  // What the last update() could not do, a sentence each.
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
  // Wanted interfaces that the last update() could not attach to, each with its problem.
  [[nodiscard]] const std::vector<datapath::InterfaceStatus>& unprotected() const {
    return unprotected_;
  }
  // Empty, or why the datapath can attach to none of the interfaces: it is not able to. Interfaces
  // that another program holds, or missing rights, do not count.
  [[nodiscard]] const std::string& inability() const { return inability_; }

 private:
  [[nodiscard]] std::set<std::string> wanted(const std::vector<std::string>& configured,
                                             const host::Network& network) const;
  void add_unlisted(const std::set<std::string>& names, const host::Network& network,
                    const datapath::Datapath& datapath);
  // `problem`: a sentence about the interface; `sentence`: the same, with its name.
  void add_problem(const std::string& name, std::string problem, std::string sentence);

  std::set<std::string> wanted_;  // at the last update()
  std::vector<std::string> problems_;
  std::vector<datapath::InterfaceStatus> unprotected_;
  std::string inability_;
};

}  // namespace fw::daemon
