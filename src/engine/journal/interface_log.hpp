// SPDX-License-Identifier: MIT
// Logs when an interface is attached or detached, or when the reason why it is not attached
// changes.
#pragma once

#include <vector>

#include "base/now.hpp"
#include "datapath/interface_status.hpp"
#include "engine/journal/journal.hpp"

namespace fw::engine {

class InterfaceLog {
 public:
  // The interfaces as they are now; writes what differs from the last call.
  void update(std::vector<datapath::InterfaceStatus> current, Journal& journal, const Now& now);

 private:
  std::vector<datapath::InterfaceStatus> logged_;
};

}  // namespace fw::engine
