// SPDX-License-Identifier: MIT
// Reports that links, addresses or default routes of this network namespace changed, and which
// interfaces appeared or disappeared. The caller then reads a new snapshot (network.hpp). Nothing
// is derived from the notifications themselves, so a lost one costs no more than another read.
//
// Thread rule: one thread at a time.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/netlink.hpp"

namespace fw::host {

struct NetworkChange {
  bool changed = false;  // read_network() again
  // By name, sorted. An interface that was deleted and created again is in both: detach, then
  // attach.
  std::vector<std::string> disappeared, appeared;
};

class NetworkWatch {
 public:
  // Interfaces that exist now do not count as appeared.
  [[nodiscard]] static Result<NetworkWatch> open();

  // Readable when drain() has something to report. Level-triggered.
  [[nodiscard]] int fd() const { return netlink_.fd(); }

  // Reads the waiting notifications; never blocks. After an overrun of the socket everything counts
  // as changed, and the interfaces are compared with a new list.
  [[nodiscard]] NetworkChange drain();

 private:
  struct Links {
    std::map<int, std::string> names;  // by interface index
    std::set<int> left;                // indexes that were gone for a while
  };

  explicit NetworkWatch(Netlink netlink) : netlink_(std::move(netlink)) {}
  [[nodiscard]] static Result<Links> read_links();
  [[nodiscard]] static bool apply(const nlmsghdr& message, Links& links);

  Netlink netlink_;
  std::map<int, std::string> names_;
};

}  // namespace fw::host
