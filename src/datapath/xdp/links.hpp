// SPDX-License-Identifier: MIT
// What ties the programs to an interface. Links are pinned: closing a descriptor detaches nothing,
// removing the pin and the last descriptor does.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "datapath/datapath.hpp"

namespace fw::datapath::xdp {

struct Programs {
  int ingress = -1, egress = -1;  // borrowed descriptors
};

class Link {
 public:
  // Attaches the programs to an interface, or puts them in the place of a former daemon's in one
  // step. Native XDP if the driver takes it, else generic, with the reason in status().problem.
  // A foreign XDP program is left alone: the error names it.
  [[nodiscard]] static Result<Link> attach(const std::string& interface, const Programs& programs,
                                           const std::filesystem::path& pins);

  // What a former daemon left pinned for an interface, whose programs go on judging. It holds the
  // links open: attach() anew only when it is gone.
  [[nodiscard]] static Link former(const std::string& interface, const std::filesystem::path& pins);

  // Detaches and unpins.
  void remove();

  // As it is now: an interface that went away has lost its programs.
  [[nodiscard]] InterfaceStatus status() const;

 private:
  std::string interface_;
  unsigned index_ = 0;
  std::filesystem::path ingress_pin_, egress_pin_;
  UniqueFd ingress_, egress_;
  bool clsact_ = false;  // egress is a tc filter: the kernel has no tcx
  std::string problem_;

  Link(const std::string& interface, const std::filesystem::path& pins);

  [[nodiscard]] Result<void> attach_ingress(int program);
  void attach_egress(int program);
};

// The interfaces for which there are pins, whether they still exist or not.
[[nodiscard]] std::set<std::string> pinned_interfaces(const std::filesystem::path& pins);

}  // namespace fw::datapath::xdp
