// SPDX-License-Identifier: MIT
// How an interface is protected. Separate from datapath.hpp, which includes every table: code that
// only reports an interface, or holds a reference to a datapath, needs none of them.
#pragma once

#include <cstdint>
#include <string>

namespace fw::datapath {

class Datapath;  // datapath.hpp

enum class Attachment {
  none,     // nothing is attached: the interface is gone, or attaching failed
  native,   // XDP in the driver
  generic,  // XDP after the kernel allocated the packet: about 4 times slower
  queue,    // user space
};

struct InterfaceStatus {
  std::string name;
  Attachment attachment = Attachment::none;
  bool egress = false;               // egress is seen, so flows can be verified
  std::string problem;               // empty, or what is wrong and the remedy
  std::uint64_t unseen_packets = 0;  // passed without being judged since the start (queue only)
  unsigned index = 0;  // of the interface it is on, whatever it is called now; 0: not known
};

}  // namespace fw::datapath
