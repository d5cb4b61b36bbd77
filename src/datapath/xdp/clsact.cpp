// SPDX-License-Identifier: MIT
#include "datapath/xdp/clsact.hpp"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <bpf/libbpf.h>

#include <bit>
#include <cerrno>
#include <span>

#include "host/netlink.hpp"

namespace fw::datapath::xdp {

namespace {

// Identify our filter among others; any numbers that others hardly use.
constexpr unsigned kHandle = 0xf10d;
constexpr unsigned kPriority = 0xf10d;

bpf_tc_hook hook_of(unsigned index, bpf_tc_attach_point point) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = static_cast<int>(index);
  hook.attach_point = point;
  return hook;
}

// True also where the kernel does not tell.
bool may_have_filters(unsigned index) {
  auto netlink = host::Netlink::open(NETLINK_ROUTE);
  if (!netlink) return true;
  bool found = false;
  for (const unsigned side : {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS}) {
    tcmsg request{};
    request.tcm_ifindex = static_cast<int>(index);
    request.tcm_parent = TC_H_MAKE(TC_H_CLSACT, side);
    const auto done = netlink->dump(
        RTM_GETTFILTER, std::as_bytes(std::span(&request, 1)),
        [&](const nlmsghdr& message) { found = found || message.nlmsg_type == RTM_NEWTFILTER; });
    if (!done) return true;
  }
  return found;
}

// Removes the qdisc: libbpf does so when the hook of both directions is destroyed.
void remove_if_unused(unsigned index) {
  if (may_have_filters(index)) return;
  constexpr unsigned kBoth = BPF_TC_INGRESS | BPF_TC_EGRESS;
  bpf_tc_hook both = hook_of(index, std::bit_cast<bpf_tc_attach_point>(kBoth));
  bpf_tc_hook_destroy(&both);
}

}  // namespace

bool attach_clsact(unsigned interface_index, int program) {
  bpf_tc_hook hook = hook_of(interface_index, BPF_TC_EGRESS);
  LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = program, .flags = BPF_TC_F_REPLACE, .handle = kHandle,
              .priority = kPriority);
  const int hooked = bpf_tc_hook_create(&hook);
  if (hooked != 0 && hooked != -EEXIST) return false;
  if (bpf_tc_attach(&hook, &filter) == 0) return true;
  if (hooked == 0) remove_if_unused(interface_index);
  return false;
}

bool has_clsact(unsigned interface_index) {
  return clsact_program(interface_index) != 0;
}

unsigned clsact_program(unsigned interface_index) {
  const bpf_tc_hook hook = hook_of(interface_index, BPF_TC_EGRESS);
  LIBBPF_OPTS(bpf_tc_opts, filter, .handle = kHandle, .priority = kPriority);
  return bpf_tc_query(&hook, &filter) == 0 ? filter.prog_id : 0;
}

void detach_clsact(unsigned interface_index) {
  const bpf_tc_hook hook = hook_of(interface_index, BPF_TC_EGRESS);
  LIBBPF_OPTS(bpf_tc_opts, filter, .handle = kHandle, .priority = kPriority);
  if (bpf_tc_detach(&hook, &filter) == 0) remove_if_unused(interface_index);
}

}  // namespace fw::datapath::xdp
