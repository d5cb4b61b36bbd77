// SPDX-License-Identifier: MIT
// Which interfaces are to be protected, and seeing to it that they are: those the configuration
// names, "auto" being the uplinks of this moment. Interfaces come and go; so does protection.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "datapath/datapath.hpp"
#include "host/network.hpp"

namespace fw::daemon {

class Interfaces {
 public:
  // Attaches what is wanted, there, and not attached yet; detaches what is not wanted. Call it
  // whenever the network, the configuration or the datapath changed, and now and then.
  void follow(const std::vector<std::string>& configured, const host::Network& network,
              datapath::Datapath& datapath);

  // What is wanted and was not possible in the last follow(), a sentence each.
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
  // Those that are wanted and were not attached in the last follow(), each with its problem.
  [[nodiscard]] const std::vector<datapath::InterfaceStatus>& unprotected() const {
    return unprotected_;
  }
  // Empty, or why the datapath can have none of the interfaces that are there: for lack of ability,
  // not because one of them is another's, or the right to it is missing.
  [[nodiscard]] const std::string& inability() const { return inability_; }

 private:
  [[nodiscard]] std::set<std::string> wanted(const std::vector<std::string>& configured,
                                             const host::Network& network) const;
  // `problem` is a sentence about the interface; `sentence` names it as well.
  void note(const std::string& name, std::string problem, std::string sentence);

  std::set<std::string> followed_;  // wanted in the last follow()
  std::vector<std::string> problems_;
  std::vector<datapath::InterfaceStatus> unprotected_;
  std::string inability_;
};

}  // namespace fw::daemon
