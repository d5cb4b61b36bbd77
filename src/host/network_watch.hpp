// SPDX-License-Identifier: MIT
// Tells that links, addresses or default routes of this network namespace changed, and which
// interfaces came and went. What is so now is read anew (network.hpp): nothing is pieced together
// from notifications, so a lost one costs nothing but a further read.
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
  // By name, sorted. An interface that was deleted and made again is in both: detach, then attach.
  std::vector<std::string> disappeared, appeared;
};

class NetworkWatch {
 public:
  // The interfaces that exist now have not "appeared".
  [[nodiscard]] static Result<NetworkWatch> open();

  // Readable when drain() has something to say. Level-triggered.
  [[nodiscard]] int fd() const { return netlink_.fd(); }

  // Takes what is waiting; never blocks. After an overrun of the socket everything counts as
  // changed and the interfaces are compared with a fresh list.
  [[nodiscard]] NetworkChange drain();

 private:
  struct Links {
    std::map<int, std::string> names;  // by interface index
    std::set<int> left;                // indexes that were gone for a while
  };

  explicit NetworkWatch(Netlink netlink) : netlink_(std::move(netlink)) {}
  [[nodiscard]] static Result<Links> read_links();
  [[nodiscard]] static bool note(const nlmsghdr& message, Links& links);

  Netlink netlink_;
  std::map<int, std::string> names_;
};

}  // namespace fw::host
