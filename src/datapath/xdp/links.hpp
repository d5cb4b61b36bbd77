// SPDX-License-Identifier: MIT
// Attaches the programs to interfaces. Links are pinned: closing a descriptor does not detach,
// removing the pin and closing the last descriptor does.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "datapath/datapath.hpp"
#include "datapath/xdp/attached.hpp"

namespace fw::datapath::xdp {

// The loaded programs that are attached; borrowed descriptors.
struct ProgramFds {
  int ingress = -1, egress = -1;        // to an interface with Ethernet headers
  int ingress_ip = -1, egress_ip = -1;  // to one whose frames begin with the IP header
};

class Link {
 public:
  // Attaches the programs to an interface, or replaces those of a former daemon in one step. Native
  // XDP if the driver takes it, else generic, with the reason in status().problem. The XDP program
  // of anybody else is not replaced: the error names it. An interface with any other link header
  // fails: its frames could not be read.
  [[nodiscard]] static Result<Link> attach(const std::string& interface, const ProgramFds& programs,
                                           const std::filesystem::path& pins);

  // Opens the links that a former daemon left pinned for an interface; its programs still run. The
  // object holds the links open, so destroy it before attach() is called for the interface.
  [[nodiscard]] static Link open_pinned(const std::string& interface,
                                        const std::filesystem::path& pins);

  // Detaches and unpins.
  void remove();

  // Asks the kernel: an interface that went away has lost its programs.
  [[nodiscard]] InterfaceStatus status() const;

 private:
  std::string interface_;
  unsigned index_ = 0;
  std::filesystem::path ingress_pin_, egress_pin_;
  UniqueFd ingress_, egress_;
  bool clsact_ = false;  // egress is a tc filter: the kernel has no tcx
  std::string problem_;

  Link(const std::string& interface, const std::filesystem::path& pins);

  [[nodiscard]] bool take_over(UniqueFd& link, Hook hook, int program,
                               const std::filesystem::path& pin);
  [[nodiscard]] Result<void> attach_ingress(int program);
  void attach_egress(int program);
};

// The interfaces for which there are pins, whether they still exist or not.
[[nodiscard]] std::set<std::string> pinned_interfaces(const std::filesystem::path& pins);

}  // namespace fw::datapath::xdp
