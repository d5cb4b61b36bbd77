// SPDX-License-Identifier: MIT
#include "datapath/xdp/links.hpp"

#include <linux/if_link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "datapath/xdp/attached.hpp"
#include "datapath/xdp/bpffs.hpp"
#include "datapath/xdp/clsact.hpp"
#include "datapath/xdp/transient.hpp"
#include "host/link_type.hpp"

namespace fw::datapath::xdp {

namespace {

// BPF_TCX_EGRESS of linux/bpf.h since 6.6. An older kernel refuses it, and clsact is used.
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);
// BPF_F_BEFORE: before all others, as a program that lets a packet go ends its way through them.
constexpr unsigned kFirst = 1U << 3;

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

// An error is no answer: it says nothing about the link.
using Target = Link::Target;
Result<Target> look_at(const UniqueFd& link) {
  bpf_link_info info{};
  unsigned size = sizeof info;
  if (bpf_obj_get_info_by_fd(link.get(), &info, &size) != 0)
    return fail_call("ask the kernel for a link", errno);
  // xdp.ifindex and tcx.ifindex are both the first word of the union.
  return Target{.index = info.xdp.ifindex, .program = info.prog_id};
}

struct Running {
  std::uint32_t program = 0;  // 0: none, or there is no such interface here
  Attachment mode = Attachment::none;
};
// The XDP program of an interface of this network namespace. None: the kernel does not tell.
std::optional<Running> running_on(unsigned index) {
  LIBBPF_OPTS(bpf_xdp_query_opts, query);
  const int error = bpf_xdp_query(static_cast<int>(index), 0, &query);
  if (error == -ENODEV) return Running{};
  if (error != 0) return std::nullopt;
  Running found{.program = query.prog_id != 0       ? query.prog_id
                           : query.drv_prog_id != 0 ? query.drv_prog_id
                                                    : query.skb_prog_id};
  if (query.attach_mode == XDP_ATTACHED_SKB) found.mode = Attachment::generic;
  if (query.attach_mode == XDP_ATTACHED_DRV || query.attach_mode == XDP_ATTACHED_HW)
    found.mode = Attachment::native;
  return found;
}

std::optional<std::string> name_of_program(unsigned id) {
  const UniqueFd fd{bpf_prog_get_fd_by_id(id)};
  bpf_prog_info info{};
  unsigned size = sizeof info;
  if (!fd.valid() || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) return std::nullopt;
  return info.name;
}

std::string foreign_program(unsigned index) {
  const unsigned id = running_on(index).value_or(Running{}).program;
  if (id == 0) return "unknown";
  const auto name = name_of_program(id);
  return name ? fmt::format("\"{}\" (id {})", *name, id) : fmt::format("id {}", id);
}

bool is_taken(int error) {
  return error == EBUSY || error == EEXIST;
}

// Tries again what fails for want of memory: otherwise a moment's shortage made XDP generic.
UniqueFd create_xdp_link(int program, unsigned index, unsigned flags) {
  constexpr int kTries = 3;  // judgement
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
  UniqueFd fd;
  for (int i = 0; i < kTries && !fd.valid(); i++) {
    fd = UniqueFd{bpf_link_create(program, static_cast<int>(index), BPF_XDP, &options)};
    if (!fd.valid() && (is_taken(errno) || !is_transient(errno))) break;
  }
  return fd;
}

std::unexpected<Error> fail_attach(const std::string& interface, int error) {
  Error out = fail_call("attach XDP to " + interface, error).error();
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

// A link that is pinned where we do not see it outlives pin and descriptor, so it is detached.
void detach_link(UniqueFd& link) {
  if (link.valid()) (void)bpf_link_detach(link.get());
  link = UniqueFd{};
}

}  // namespace

Link::Link(const std::string& interface, const std::filesystem::path& pins)
    : interface_(interface),
      index_(if_nametoindex(interface.c_str())),
      pins_(pins),
      ingress_pin_(pins / "links" / pin_name("in", interface)),
      egress_pin_(pins / "links" / pin_name("out", interface)) {
  status_.name = interface;
}

Result<Link> Link::attach(const std::string& interface, const ProgramFds& programs,
                          const std::filesystem::path& pins) {
  Link link(interface, pins);
  const Result<host::LinkType> type = host::link_type(interface);
  if (link.index_ == 0 || !type) return fail_attach(interface, ENODEV);
  if (type->header == host::LinkHeader::other) return fail_type(interface, type->arphrd);
  const bool is_ip = type->header == host::LinkHeader::none;
  link.programs_ = is_ip ? programs.ip : programs.ethernet;
  // Egress first: arriving packets are judged by what was recorded of departing ones.
  link.attach_egress();
  if (auto attached = link.attach_ingress(); !attached) {
    std::error_code ignored;
    const bool is_former_there = std::filesystem::exists(link.ingress_pin_.path(), ignored);
    if (is_former_there) return std::unexpected(std::move(attached.error()));
    if (link.clsact_) detach_clsact(link.index_);
    link.egress_pin_.remove();
    return std::unexpected(std::move(attached.error()));
  }
  if (is_ip)
    link.slow_ =
        "generic XDP, about 4 times slower: no driver has more for frames without an Ethernet "
        "header; SYNs above their budget cannot be answered here and are dropped";
  std::vector<Difference> none;
  link.verify(none);
  return link;
}

Link Link::open_pinned(const std::string& interface, const std::filesystem::path& pins) {
  Link link(interface, pins);
  link.former_ = true;
  link.ingress_ = open_pin(link.ingress_pin_.path());
  link.egress_ = open_pin(link.egress_pin_.path());
  link.clsact_ = link.index_ != 0 && clsact_program(link.index_) != 0;
  std::vector<Difference> none;
  link.verify(none);
  return link;
}

// Gives a former daemon's link the program, in one step; if the link's pin is gone or hidden, it is
// found by its id. False: there is none that takes it; it is detached if it is on another interface
// of the same name, or if the kernel cannot exchange the program in place.
Result<bool> Link::take_over(UniqueFd& link, Hook hook, int program, Pin& pin) {
  link = open_pin(pin.path());
  const bool is_pinned = link.valid();
  if (!is_pinned && errno != ENOENT) return fail_call("open the link of " + interface_, errno);
  if (!is_pinned) link = find_link(index_, hook);
  if (!link.valid()) return false;
  const Result<Target> target = look_at(link);
  if (!target) return std::unexpected(target.error());
  if (target->index == index_) {
    if (bpf_link_update(link.get(), program, nullptr) == 0) {
      if (is_pinned) pin.adopt();  // else verify() pins it
      return true;
    }
    if (is_transient(errno)) return fail_call("exchange the program on " + interface_, errno);
  }
  pin.remove();
  detach_link(link);
  return false;
}

Result<void> Link::attach_ingress() {
  const Result<bool> exchanged = take_over(ingress_, Hook::xdp, programs_.ingress.fd, ingress_pin_);
  if (!exchanged) return std::unexpected(exchanged.error());
  if (*exchanged) {
    if (running_on(index_).value_or(Running{}).mode == Attachment::generic)
      slow_ = "generic XDP, about 4 times slower than in the driver";
    return {};
  }
  ingress_ = create_xdp_link(programs_.ingress.fd, index_, XDP_FLAGS_DRV_MODE);
  int error = errno;
  if (!ingress_.valid() && !is_taken(error)) {
    const int native_error = error;
    ingress_ = create_xdp_link(programs_.ingress.fd, index_, XDP_FLAGS_SKB_MODE);
    error = errno;
    if (ingress_.valid())
      slow_ = fmt::format(
          "generic XDP, about 4 times slower: the driver of {} refused native XDP ({}). Usual "
          "reasons: no XDP in the driver; LRO (ethtool -K {} lro off); an MTU above what the "
          "driver's XDP takes",
          interface_, std::strerror(native_error), interface_);
  }
  if (!ingress_.valid()) {
    if (is_taken(error))
      return fail(ErrorKind::refused,
                  fmt::format("{} already runs another XDP program, {}, which Floodwall does not "
                              "replace. Remove it first (ip link set dev {} xdp off), or protect "
                              "another interface",
                              interface_, foreign_program(index_), interface_));
    return fail_attach(interface_, error);
  }
  (void)ingress_pin_.make(ingress_.get());  // else verify() makes it
  return {};
}

// The filter does without it, so what fails here is a problem and no error.
void Link::attach_egress() {
  egress_reason_.clear();
  const Result<bool> exchanged = take_over(egress_, Hook::tcx, programs_.egress.fd, egress_pin_);
  if (!exchanged) egress_reason_ = exchanged.error().message + "; it is tried again";
  if (!exchanged || *exchanged) return;
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = kFirst);
  egress_ = UniqueFd{
      bpf_link_create(programs_.egress.fd, static_cast<int>(index_), kTcxEgress, &options)};
  if (egress_.valid()) {
    (void)egress_pin_.make(egress_.get());  // else verify() makes it
  } else if (is_transient(errno)) {
    egress_reason_ = std::string(std::strerror(errno)) + "; it is tried again";
  } else {
    clsact_ = attach_clsact(index_, programs_.egress.fd);
  }
}

void Link::remove() {
  ingress_pin_.remove();
  egress_pin_.remove();
  detach_link(ingress_);
  detach_link(egress_);
  if (clsact_) detach_clsact(index_);
}

bool Link::is_in_place() const {
  return on_ != 0 && on_ == if_nametoindex(interface_.c_str());
}

void Link::rename(const std::string& interface) {
  const Link renamed(interface, pins_);
  interface_ = interface;
  ingress_pin_.move(renamed.ingress_pin_.path());
  egress_pin_.move(renamed.egress_pin_.path());
  status_.name = interface;
  std::vector<Difference> none;
  verify(none);
}

void Link::verify(std::vector<Difference>& found) {
  status_.problem.clear();
  verify_ingress(found);
  if (on_ != 0) verify_egress(found);
  if (!former_) verify_pins(found);
}

// Whether the link is on an interface that is not in this network namespace. Nothing tells that:
// the number of the interface is one of the other namespace, and may be that of another interface
// here.
bool Link::is_elsewhere(const Target& target) {
  std::array<char, IF_NAMESIZE> name{};
  if (target.index == 0) return false;
  if (if_indextoname(target.index, name.data()) == nullptr && errno == ENXIO) {
    const Result<Target> again = look_at(ingress_);  // it may have been deleted in between
    return again && again->index == target.index;
  }
  // A query of libbpf reads all interfaces, and may miss one while others change.
  constexpr unsigned kBelieved = 3;
  const std::optional<Running> here = running_on(target.index);
  const bool differs = here && here->program != target.program;
  differing_ = differs ? differing_ + 1 : 0;
  return differing_ >= kBelieved;
}

// Also of packets of another namespace nobody could say any more why they are dropped.
void Link::leave_other_namespace(std::vector<Difference>& found) {
  found.push_back({.what = fmt::format("{} was moved to another network namespace, where it is not "
                                       "protected any more",
                                       interface_),
                   .unsolved = ""});
  ingress_pin_.remove();
  egress_pin_.remove();
  detach_link(ingress_);
  detach_link(egress_);
  clsact_ = false;  // the kernel removed it
  index_ = differing_ = 0;
}

void Link::verify_ingress(std::vector<Difference>& found) {
  const unsigned named = if_nametoindex(interface_.c_str());
  Result<Target> target = ingress_.valid() ? look_at(ingress_) : Target{};
  if (!former_ && target && is_elsewhere(*target)) {
    leave_other_namespace(found);
    target = Target{};
  }
  if (!target) {
    status_.problem = "whether it is protected is not known: " + target.error().message;
    return;
  }
  refusal_.clear();
  std::string why_not = "the interface went away; it is protected again when it is back";
  if (target->index == 0 && named != 0 && named == index_ && !former_) {
    ingress_ = UniqueFd{};
    const auto again = attach_ingress();
    // It may have gone away since its name was looked up: then nobody detached anything.
    const bool is_there = again || if_nametoindex(interface_.c_str()) == index_;
    if (is_there)
      found.push_back({.what = fmt::format("XDP was detached from {}", interface_),
                       .unsolved = again ? "" : again.error().message});
    if (!again && is_there) refusal_ = why_not = again.error().message;
    target = again ? look_at(ingress_) : Target{};
    if (!target) return;
  }
  on_ = status_.index = target->index;
  if (on_ == 0) {
    status_.attachment = Attachment::none;
    status_.egress = false;
    status_.problem = why_not;
    return;
  }
  if (!former_ && target->program != programs_.ingress.id)
    found.push_back(
        {.what = fmt::format("another program was put on the XDP link of {}", interface_),
         .unsolved = bpf_link_update(ingress_.get(), programs_.ingress.fd, nullptr) == 0
                         ? ""
                         : std::strerror(errno)});
  if (const auto running = running_on(on_); running && running->mode != Attachment::none)
    status_.attachment = running->mode;
  if (named == on_) {
    status_.problem = slow_;
  } else if (named == 0) {
    std::array<char, IF_NAMESIZE> name{};
    (void)if_indextoname(on_, name.data());
    status_.problem =
        fmt::format("the interface is called {} now and is protected until there is another {}",
                    name.data(), interface_);
  } else {
    status_.attachment = Attachment::none;
    status_.problem = "another interface has this name now";
  }
}

void Link::verify_egress(std::vector<Difference>& found) {
  std::string what;
  bool is_right = false;
  if (clsact_) {
    const unsigned program = clsact_program(on_);
    is_right = program != 0 && (former_ || program == programs_.egress.id);
    if (!is_right && !former_) {
      what = fmt::format("the egress filter of {} was removed or replaced", interface_);
      is_right = clsact_ = attach_clsact(on_, programs_.egress.fd);
    }
  } else if (egress_.valid()) {
    const Result<Target> target = look_at(egress_);
    if (!target) return;
    is_right = target->index != 0 && (former_ || target->program == programs_.egress.id);
    if (!is_right && !former_) {
      what = fmt::format("the egress program of {} was detached or replaced", interface_);
      attach_egress();
      is_right = egress_reason_.empty();
    } else if (const auto programs = tcx_programs(on_);
               !former_ && programs && !programs->empty() && programs->front() != target->program) {
      what = fmt::format("another program was put before the egress program of {}", interface_);
      egress_pin_.remove();
      detach_link(egress_);  // nothing moves a link
      attach_egress();
      is_right = egress_reason_.empty();
    }
  } else if (!former_ && !egress_reason_.empty()) {
    attach_egress();
    is_right = egress_reason_.empty() && (egress_.valid() || clsact_);
  }
  if (!what.empty()) found.push_back({.what = what, .unsolved = is_right ? "" : egress_reason_});
  status_.egress = is_right;
  if (is_right || !status_.problem.empty()) return;
  status_.problem = "what this host sends is not seen: fewer peers can be verified";
  if (!egress_reason_.empty()) status_.problem += "; " + egress_reason_;
}

void Link::verify_pins(std::vector<Difference>& found) {
  for (const auto& [pin, fd] :
       {std::pair(&ingress_pin_, &ingress_), std::pair(&egress_pin_, &egress_)}) {
    if (!fd->valid() || pin->is_there()) continue;
    const auto made = pin->make(fd->get());
    found.push_back({.what = fmt::format("the pin of a link of {} was gone", interface_),
                     .unsolved = made ? "" : made.error().message});
  }
}

std::set<std::string> pinned_interfaces(const std::filesystem::path& pins) {
  std::set<std::string> interfaces;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(pins / "links", error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("in-") || name.starts_with("out-"))
      interfaces.insert(interface_of(entry.path()));
  }
  return interfaces;
}

// By netlink, which answers as well where BPF calls fail or the kernel has none.
bool is_any_standing() {
  const std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)> interfaces(
      if_nameindex(), if_freenameindex);
  if (!interfaces) return true;
  for (const struct if_nameindex* each = interfaces.get(); each->if_index != 0; ++each)
    if (const auto running = running_on(each->if_index); running && running->program != 0)
      if (const auto name = name_of_program(running->program); !name || is_our_program(*name))
        return true;
  return false;
}

}  // namespace fw::datapath::xdp
