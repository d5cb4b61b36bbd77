// SPDX-License-Identifier: MIT
// rtnetlink says which programs there are; bpf(2), with three of its commands, how they are called.
#include "host/bpf_programs.hpp"

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/fd.hpp"
#include "host/netlink.hpp"

namespace fw::host {

namespace {

constexpr unsigned kMostLinks = 4096;  // judgement: looked at, of the whole machine

UniqueFd bpf_object(bpf_cmd command, std::uint32_t id) {
  bpf_attr attributes{};
  attributes.prog_id = id;  // link_id is at the same place
  return UniqueFd(static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes)));
}

template <typename Info>
bool read_info(const UniqueFd& object, Info& info) {
  bpf_attr attributes{};
  attributes.info.bpf_fd = static_cast<std::uint32_t>(object.get());
  attributes.info.info_len = sizeof info;
  attributes.info.info = reinterpret_cast<std::uint64_t>(&info);
  return object.valid() &&
         ::syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attributes, sizeof attributes) == 0;
}

std::optional<std::string> name_of_program(std::uint32_t id) {
  bpf_prog_info info{};
  if (!read_info(bpf_object(BPF_PROG_GET_FD_BY_ID, id), info)) return std::nullopt;
  return std::string(&info.name[0], ::strnlen(&info.name[0], sizeof info.name));
}

// The XDP links, by the program that they hold. A program on two interfaces is on two links.
std::multimap<std::uint32_t, bpf_link_info> xdp_links() {
  std::multimap<std::uint32_t, bpf_link_info> links;
  std::uint32_t id = 0;
  for (unsigned i = 0; i < kMostLinks; i++) {
    bpf_attr attributes{};
    attributes.start_id = id;
    if (::syscall(SYS_bpf, BPF_LINK_GET_NEXT_ID, &attributes, sizeof attributes) != 0) break;
    id = attributes.next_id;
    bpf_link_info info{};
    if (read_info(bpf_object(BPF_LINK_GET_FD_BY_ID, id), info) && info.type == BPF_LINK_TYPE_XDP)
      links.emplace(info.prog_id, info);
  }
  return links;
}

struct Found {
  BpfProgram program;
  unsigned index = 0;  // of its interface
};

std::optional<Found> xdp_of(const nlmsghdr& message, std::map<unsigned, std::string>& names) {
  if (message.nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(&message) < sizeof(ifinfomsg))
    return std::nullopt;
  const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
  Found found{.program = {}, .index = static_cast<unsigned>(header->ifi_index)};
  unsigned attached = XDP_ATTACHED_NONE;
  const auto look = [&](const nlattr& inner) {
    const unsigned type = mnl_attr_get_type(&inner);
    if (type == IFLA_XDP_ATTACHED) attached = mnl_attr_get_u8(&inner);
    if (type == IFLA_XDP_PROG_ID || type == IFLA_XDP_DRV_PROG_ID || type == IFLA_XDP_SKB_PROG_ID)
      found.program.id = mnl_attr_get_u32(&inner);
  };
  for_each_attribute(message, sizeof(ifinfomsg), [&](const nlattr& attribute) {
    if (mnl_attr_get_type(&attribute) == IFLA_IFNAME)
      found.program.interface = mnl_attr_get_str(&attribute);
    if (mnl_attr_get_type(&attribute) == IFLA_XDP) for_each_nested(attribute, look);
  });
  names[found.index] = found.program.interface;
  if (attached == XDP_ATTACHED_NONE) return std::nullopt;
  found.program.hook =
      attached == XDP_ATTACHED_SKB ? BpfProgram::Hook::xdp_generic : BpfProgram::Hook::xdp_native;
  return found;
}

std::optional<BpfProgram> filter_of(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWTFILTER) return std::nullopt;
  BpfProgram program{.hook = BpfProgram::Hook::tc};
  bool is_bpf = false;
  for_each_attribute(message, sizeof(tcmsg), [&](const nlattr& attribute) {
    if (mnl_attr_get_type(&attribute) == TCA_KIND)
      is_bpf = std::string_view(mnl_attr_get_str(&attribute)) == "bpf";
    if (mnl_attr_get_type(&attribute) != TCA_OPTIONS) return;
    for_each_nested(attribute, [&program](const nlattr& inner) {
      if (mnl_attr_get_type(&inner) == TCA_BPF_ID) program.id = mnl_attr_get_u32(&inner);
      if (mnl_attr_get_type(&inner) == TCA_BPF_NAME) program.name = mnl_attr_get_str(&inner);
    });
  });
  // The chain's head is a message of its own, without a program.
  if (!is_bpf || program.id == 0) return std::nullopt;
  return program;
}

void add_filters(Netlink& netlink, unsigned index, const std::string& interface,
                 std::vector<BpfProgram>& programs) {
  for (const unsigned side : {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS}) {
    tcmsg request{};
    request.tcm_ifindex = static_cast<int>(index);
    request.tcm_parent = TC_H_MAKE(TC_H_CLSACT, side);
    // An interface without clsact answers with an error: it has none.
    (void)netlink.dump(RTM_GETTFILTER, std::as_bytes(std::span(&request, 1)),
                       [&](const nlmsghdr& message) {
                         auto found = filter_of(message);
                         if (!found) return;
                         found->interface = interface;
                         programs.push_back(std::move(*found));
                       });
  }
}

}  // namespace

Result<std::vector<BpfProgram>> attached_bpf_programs() {
  auto netlink = Netlink::open(NETLINK_ROUTE);
  if (!netlink) return std::unexpected(netlink.error());
  std::map<unsigned, std::string> names;
  std::vector<Found> xdp;
  const ifinfomsg every{};
  if (auto done = netlink->dump(RTM_GETLINK, std::as_bytes(std::span(&every, 1)),
                                [&](const nlmsghdr& message) {
                                  if (auto found = xdp_of(message, names))
                                    xdp.push_back(std::move(*found));
                                });
      !done)
    return std::unexpected(done.error());
  std::vector<BpfProgram> programs;
  const auto links = xdp.empty() ? decltype(xdp_links()){} : xdp_links();
  for (auto& [program, index] : xdp) {
    program.name = name_of_program(program.id);
    const auto [first, last] = links.equal_range(program.id);
    for (auto link = first; link != last; ++link)
      if (link->second.xdp.ifindex == index) program.link = link->second.id;
    programs.push_back(std::move(program));
  }
  for (const auto& [index, name] : names) add_filters(*netlink, index, name, programs);
  for (BpfProgram& program : programs)
    if (!program.is_xdp())
      if (auto name = name_of_program(program.id)) program.name = std::move(name);
  return programs;
}

}  // namespace fw::host
