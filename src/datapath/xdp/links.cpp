// SPDX-License-Identifier: MIT
#include "datapath/xdp/links.hpp"

#include <linux/if_link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "datapath/xdp/attached.hpp"
#include "datapath/xdp/bpffs.hpp"
#include "datapath/xdp/clsact.hpp"
#include "host/link_type.hpp"

namespace fw::datapath::xdp {

namespace {

// BPF_TCX_EGRESS of linux/bpf.h since 6.6. An older kernel refuses it, and clsact is used.
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);

// The pins of an interface are "in-eth0:100" and "out-eth0:100" for eth0.100: bpffs takes no dots,
// interface names no colons.
std::string pin_name(std::string_view direction, std::string interface) {
  std::ranges::replace(interface, '.', ':');
  return fmt::format("{}-{}", direction, interface);
}
std::string interface_of(const std::filesystem::path& pin) {
  std::string name = pin.filename().string();
  name.erase(0, name.find('-') + 1);
  std::ranges::replace(name, ':', '.');
  return name;
}

// The index of the interface that a link is attached to; 0: it is gone.
unsigned link_target(int fd) {
  bpf_link_info info{};
  unsigned size = sizeof info;
  if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) return 0;
  // xdp.ifindex and tcx.ifindex are both the first word of the union.
  return info.xdp.ifindex;
}

std::string foreign_program(unsigned index) {
  LIBBPF_OPTS(bpf_xdp_query_opts, query);
  if (bpf_xdp_query(static_cast<int>(index), 0, &query) != 0) return "unknown";
  const unsigned id = query.prog_id != 0       ? query.prog_id
                      : query.drv_prog_id != 0 ? query.drv_prog_id
                                               : query.skb_prog_id;
  const UniqueFd fd{bpf_prog_get_fd_by_id(id)};
  bpf_prog_info info{};
  unsigned size = sizeof info;
  if (!fd.valid() || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0)
    return fmt::format("id {}", id);
  return fmt::format("\"{}\" (id {})", info.name, id);
}

Attachment attachment_of(unsigned index) {
  LIBBPF_OPTS(bpf_xdp_query_opts, query);
  if (bpf_xdp_query(static_cast<int>(index), 0, &query) != 0) return Attachment::none;
  switch (query.attach_mode) {
    case XDP_ATTACHED_DRV:
    case XDP_ATTACHED_HW:
      return Attachment::native;
    case XDP_ATTACHED_SKB:
      return Attachment::generic;
    default:
      return Attachment::none;
  }
}

UniqueFd create_xdp_link(int program, unsigned index, unsigned flags) {
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
  return UniqueFd{bpf_link_create(program, static_cast<int>(index), BPF_XDP, &options)};
}

std::unexpected<Error> fail_attach(const std::string& interface, int error) {
  Error out = fail_errno("attach XDP to " + interface, error).error();
  if (error == EPERM || error == EACCES) out.kind = ErrorKind::not_permitted;
  if (error == ENODEV) out.kind = ErrorKind::refused;  // the interface went away meanwhile
  return std::unexpected(std::move(out));
}

std::unexpected<Error> fail_type(const std::string& interface, unsigned arphrd) {
  return fail(
      fmt::format("{} is neither Ethernet nor a link whose frames begin with the IP header "
                  "(its type is {} of linux/if_arp.h), so that XDP cannot judge it. Use "
                  "datapath = \"nfqueue\"",
                  interface, arphrd));
}

void remove_pin(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

// A link that is pinned where we do not see it outlives pin and descriptor, so it is detached.
void detach_link(UniqueFd& link) {
  if (link.valid()) (void)bpf_link_detach(link.get());
  link = UniqueFd{};
}

}  // namespace

Link::Link(const std::string& interface, const std::filesystem::path& pins)
    : interface_(interface),
      index_(if_nametoindex(interface.c_str())),
      ingress_pin_(pins / "links" / pin_name("in", interface)),
      egress_pin_(pins / "links" / pin_name("out", interface)) {}

Result<Link> Link::attach(const std::string& interface, const ProgramFds& programs,
                          const std::filesystem::path& pins) {
  Link link(interface, pins);
  const Result<host::LinkType> type = host::link_type(interface);
  if (link.index_ == 0 || !type) return fail_attach(interface, ENODEV);
  if (type->header == host::LinkHeader::other) return fail_type(interface, type->arphrd);
  const bool is_ip = type->header == host::LinkHeader::none;
  // Egress first: arriving packets are judged by what was recorded of departing ones.
  link.attach_egress(is_ip ? programs.egress_ip : programs.egress);
  auto attached = link.attach_ingress(is_ip ? programs.ingress_ip : programs.ingress);
  if (!attached) {
    if (link.clsact_) detach_clsact(link.index_);
    remove_pin(link.egress_pin_);
    return std::unexpected(attached.error());
  }
  if (is_ip)
    link.problem_ =
        "generic XDP, about 4 times slower: no driver has more for frames without an Ethernet "
        "header; SYNs above their budget cannot be answered here and are dropped";
  return link;
}

Link Link::open_pinned(const std::string& interface, const std::filesystem::path& pins) {
  Link link(interface, pins);
  link.ingress_ = open_pin(link.ingress_pin_);
  link.egress_ = open_pin(link.egress_pin_);
  link.clsact_ = link.index_ != 0 && has_clsact(link.index_);
  return link;
}

// Gives a link of a former daemon the program, in one step; if the link's pin is gone or hidden, it
// is found by its id. False: there is none that takes it, and `link` is what was pinned.
bool Link::take_over(UniqueFd& link, Hook hook, int program, const std::filesystem::path& pin) {
  const auto takes = [&](const UniqueFd& one) {
    return one.valid() && link_target(one.get()) == index_ &&
           bpf_link_update(one.get(), program, nullptr) == 0;
  };
  if (takes(link)) return true;
  UniqueFd unpinned = find_link(index_, hook);
  if (!takes(unpinned)) return false;
  link = std::move(unpinned);
  if (const auto pinned = replace_pin(link.get(), pin); !pinned)
    problem_ = pinned.error().message + ": filtering will end with floodwalld";
  return true;
}

Result<void> Link::attach_ingress(int program) {
  ingress_ = open_pin(ingress_pin_);
  if (take_over(ingress_, Hook::xdp, program, ingress_pin_)) {
    if (attachment_of(index_) == Attachment::generic)
      problem_ = "generic XDP, about 4 times slower than in the driver";
    return {};
  }
  // Detaches a link of ours that is left: the interface is another one of the same name, or the
  // kernel cannot exchange the program in place.
  remove_pin(ingress_pin_);
  detach_link(ingress_);

  ingress_ = create_xdp_link(program, index_, XDP_FLAGS_DRV_MODE);
  int error = errno;
  if (!ingress_.valid() && error != EBUSY && error != EEXIST) {
    const int native_error = error;
    ingress_ = create_xdp_link(program, index_, XDP_FLAGS_SKB_MODE);
    error = errno;
    if (ingress_.valid())
      problem_ = fmt::format(
          "generic XDP, about 4 times slower: the driver of {} refused native XDP ({}). Usual "
          "reasons: no XDP in the driver; LRO (ethtool -K {} lro off); an MTU above what the "
          "driver's XDP takes",
          interface_, std::strerror(native_error), interface_);
  }
  if (!ingress_.valid()) {
    if (error == EBUSY || error == EEXIST)
      return fail(ErrorKind::refused,
                  fmt::format("{} already runs another XDP program, {}, which Floodwall does not "
                              "replace. Remove it first (ip link set dev {} xdp off), or protect "
                              "another interface",
                              interface_, foreign_program(index_), interface_));
    return fail_attach(interface_, error);
  }
  return replace_pin(ingress_.get(), ingress_pin_);
}

void Link::attach_egress(int program) {
  egress_ = open_pin(egress_pin_);
  if (take_over(egress_, Hook::tcx, program, egress_pin_)) return;
  remove_pin(egress_pin_);
  detach_link(egress_);
  egress_ = UniqueFd{bpf_link_create(program, static_cast<int>(index_), kTcxEgress, nullptr)};
  if (egress_.valid() && replace_pin(egress_.get(), egress_pin_)) return;
  egress_ = UniqueFd{};

  clsact_ = attach_clsact(index_, program);
}

void Link::remove() {
  remove_pin(ingress_pin_);
  remove_pin(egress_pin_);
  detach_link(ingress_);
  detach_link(egress_);
  if (clsact_) detach_clsact(index_);
}

InterfaceStatus Link::status() const {
  InterfaceStatus status{.name = interface_,
                         .attachment = Attachment::none,
                         .egress = clsact_ || (egress_.valid() && link_target(egress_.get()) != 0),
                         .problem = problem_};
  if (!ingress_.valid() || link_target(ingress_.get()) == 0) {
    status.egress = false;
    status.problem = "the interface went away; it is protected again when it is back";
    return status;
  }
  status.attachment = attachment_of(index_);
  if (!status.egress && status.problem.empty())
    status.problem = "what this host sends is not seen: fewer peers can be verified";
  return status;
}

std::set<std::string> pinned_interfaces(const std::filesystem::path& pins) {
  std::set<std::string> interfaces;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(pins / "links", error))
    interfaces.insert(interface_of(entry.path()));
  return interfaces;
}

}  // namespace fw::datapath::xdp
