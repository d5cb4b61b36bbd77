// SPDX-License-Identifier: MIT
// Attaches the programs to interfaces. Links are pinned: closing a descriptor does not detach,
// removing the pin and closing the last descriptor does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "datapath/datapath.hpp"
#include "datapath/xdp/attached.hpp"
#include "datapath/xdp/bpffs.hpp"

namespace fw::datapath::xdp {

// A loaded program: a borrowed descriptor, and the kernel's number of it.
struct Program {
  int fd = -1;
  std::uint32_t id = 0;
};
struct ProgramPair {
  Program ingress, egress;
};
// The loaded programs that are attached.
struct ProgramFds {
  ProgramPair ethernet;  // to an interface with Ethernet headers
  ProgramPair ip;        // to one whose frames begin with the IP header
};

class Link {
 public:
  // What a link joins. Index 0: its interface is gone, or another program detached it.
  struct Target {
    unsigned index = 0;
    std::uint32_t program = 0;
  };

  // Attaches the programs to an interface, or replaces those of a former daemon in one step. Native
  // XDP if the driver takes it, else generic, with the reason in status().problem. The XDP program
  // of anybody else is not replaced: the error names it. An interface with any other link header
  // fails: its frames could not be read. A transient error leaves what is attached attached.
  [[nodiscard]] static Result<Link> attach(const std::string& interface, const ProgramFds& programs,
                                           const std::filesystem::path& pins);

  // Opens the links that a former daemon left pinned for an interface; its programs still run. The
  // object holds the links open, so destroy it before attach() is called for the interface.
  [[nodiscard]] static Link open_pinned(const std::string& interface,
                                        const std::filesystem::path& pins);

  // Detaches and unpins.
  void remove();

  // Looks at the kernel, and puts its programs and pins right. What it found goes to `found`.
  void verify(std::vector<Difference>& found);

  // As the kernel said at the last attach() or verify().
  [[nodiscard]] const InterfaceStatus& status() const { return status_; }
  // Whether the link, as last looked at, is on the interface that now has the name.
  [[nodiscard]] bool is_in_place() const;
  // Empty, or why XDP is not on its interface although that is there; verify() tries again.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  // The number of the interface that it is on, as last looked at; 0: none.
  [[nodiscard]] unsigned on() const { return on_; }
  // Its interface has another name now: moves the pins.
  void rename(const std::string& interface);

 private:
  std::string interface_;
  unsigned index_ = 0;  // of the interface when it was attached
  unsigned on_ = 0;
  unsigned differing_ = 0;  // looks in a row at which the interface did not run the link's program
  std::filesystem::path pins_;
  Pin ingress_pin_, egress_pin_;
  UniqueFd ingress_, egress_;
  bool clsact_ = false;  // egress is a tc filter: the kernel has no tcx
  bool former_ = false;  // runs programs of a former daemon, which are not compared
  ProgramPair programs_;
  std::string slow_;  // empty, or why XDP is generic
  std::string refusal_;
  std::string egress_reason_;  // empty, or why egress is not attached
  InterfaceStatus status_;

  Link(const std::string& interface, const std::filesystem::path& pins);

  [[nodiscard]] Result<void> attach_ingress();
  [[nodiscard]] Result<bool> take_over(UniqueFd& link, Hook hook, int program, Pin& pin);
  void attach_egress();
  [[nodiscard]] bool is_elsewhere(const Target& target);
  void leave_other_namespace(std::vector<Difference>& found);
  void verify_ingress(std::vector<Difference>& found);
  void verify_egress(std::vector<Difference>& found);
  void verify_pins(std::vector<Difference>& found);
};

// The interfaces for which there are pins, whether they still exist or not.
[[nodiscard]] std::set<std::string> pinned_interfaces(const std::filesystem::path& pins);

// Whether XDP of Floodwall is attached to an interface, or the kernel does not tell.
[[nodiscard]] bool is_any_standing();

}  // namespace fw::datapath::xdp
