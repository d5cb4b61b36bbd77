// SPDX-License-Identifier: MIT
// How an interface is protected. Apart from datapath.hpp, which sees every table: who only reports
// an interface, or keeps a reference to a datapath, needs none of them.
#pragma once

#include <cstdint>
#include <string>

namespace fw::datapath {

class Datapath;  // datapath.hpp

enum class Attachment {
  none,     // the interface is not there, or is down for us
  native,   // XDP in the driver
  generic,  // XDP after the kernel allocated the packet: about 4 times slower
  queue,    // user space
};

struct InterfaceStatus {
  std::string name;
  Attachment attachment = Attachment::none;
  bool egress = false;               // what this host sends is seen, so flows can be verified
  std::string problem;               // empty, or why it is not as it should be, and the remedy
  std::uint64_t unseen_packets = 0;  // passed unjudged since the start (queue only: fail open)
};

}  // namespace fw::datapath
