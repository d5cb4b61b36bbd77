// SPDX-License-Identifier: MIT
// Link ids are global, interface numbers are not: a link is ours here only if an interface of this
// namespace runs the program of that link.
#include "datapath/xdp/attached.hpp"

#include <linux/if_link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "datapath/xdp/clsact.hpp"
#include "datapath/xdp/programs.hpp"

namespace fw::datapath::xdp {

namespace {

// Of linux/bpf.h since 6.6.
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);
constexpr unsigned kTcxLink = 11;
constexpr std::size_t kMostPrograms = 64;  // on one hook: the kernel's BPF_MPROG_MAX

// Detaching and looking again; a daemon that starts meanwhile may attach in between.
constexpr int kAttempts = 3;

std::unexpected<Error> cannot_ask(std::string_view what, int error) {
  Error out = fail_errno(fmt::format("ask the kernel for {}", what), error).error();
  if (error == EPERM || error == EACCES) {
    out.kind = ErrorKind::not_permitted;
    out.message += "; run as root";
  }
  return std::unexpected(std::move(out));
}

// False also for a program that ended meanwhile.
Result<bool> is_ours(std::uint32_t program_id) {
  if (program_id == 0) return false;
  const UniqueFd fd{bpf_prog_get_fd_by_id(program_id)};
  if (!fd.valid()) {
    if (errno == ENOENT) return false;
    return cannot_ask(fmt::format("program {}", program_id), errno);
  }
  bpf_prog_info info{};
  unsigned size = sizeof info;
  if (bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0)
    return cannot_ask(fmt::format("program {}", program_id), errno);
  return is_our_program({&info.name[0], strnlen(&info.name[0], sizeof info.name)});
}

using ProgramIds = std::vector<std::uint32_t>;

Result<ProgramIds> xdp_programs(unsigned index) {
  LIBBPF_OPTS(bpf_xdp_query_opts, query);
  const int error = bpf_xdp_query(static_cast<int>(index), 0, &query);
  if (error == -ENODEV) return ProgramIds{};  // the interface went away meanwhile
  if (error != 0) return cannot_ask("XDP programs", -error);
  return ProgramIds{query.prog_id, query.drv_prog_id, query.skb_prog_id, query.hw_prog_id};
}

Result<void> add_ours(std::vector<Attached>& found, const struct if_nameindex& interface, Hook hook,
                      Result<ProgramIds> programs) {
  if (!programs) return std::unexpected(std::move(programs.error()));
  std::ranges::sort(*programs);
  const auto [end, last] = std::ranges::unique(*programs);
  programs->erase(end, last);
  for (const std::uint32_t id : *programs) {
    const Result<bool> ours = is_ours(id);
    if (!ours) return std::unexpected(ours.error());
    if (*ours)
      found.push_back({.interface_index = interface.if_index,
                       .interface = interface.if_name,
                       .hook = hook,
                       .program_id = id});
  }
  return {};
}

// Invalid: no such link.
UniqueFd link_with(unsigned index, Hook hook, std::uint32_t program_id) {
  const auto type = hook == Hook::xdp ? unsigned{BPF_LINK_TYPE_XDP} : kTcxLink;
  for (unsigned id = 0; bpf_link_get_next_id(id, &id) == 0;) {
    UniqueFd fd{bpf_link_get_fd_by_id(id)};
    bpf_link_info info{};
    unsigned size = sizeof info;
    if (!fd.valid() || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) continue;
    // xdp.ifindex and tcx.ifindex are both the first word of the union.
    if (info.type == type && info.xdp.ifindex == index && info.prog_id == program_id) return fd;
  }
  return {};
}

// What is left is seen by looking again, so no error is returned.
void detach(const Attached& one) {
  if (one.hook == Hook::clsact) return detach_clsact(one.interface_index);
  const UniqueFd link = link_with(one.interface_index, one.hook, one.program_id);
  if (link.valid()) {
    (void)bpf_link_detach(link.get());
  } else if (one.hook == Hook::xdp) {
    (void)bpf_xdp_detach(static_cast<int>(one.interface_index), 0, nullptr);  // without a link
  }
}

}  // namespace

std::string Attached::text() const {
  const std::string_view name = hook == Hook::xdp ? "XDP" : hook == Hook::tcx ? "tcx" : "clsact";
  return fmt::format("{} on {} (program {})", name, interface, program_id);
}

Result<ProgramIds> tcx_programs(unsigned index) {
  ProgramIds ids(kMostPrograms);
  LIBBPF_OPTS(bpf_prog_query_opts, query, .prog_ids = ids.data(), .prog_cnt = kMostPrograms);
  const int error = bpf_prog_query_opts(static_cast<int>(index), kTcxEgress, &query);
  // A kernel without tcx has none; without programs some versions say ENOENT.
  if (error == -ENODEV || error == -EINVAL || error == -ENOENT) return ProgramIds{};
  if (error != 0) return cannot_ask("programs on egress", -error);
  ids.resize(query.prog_cnt);
  return ids;
}

bool is_our_program(std::string_view name) {
  return name.starts_with("floodwall_");
}

Result<std::vector<Attached>> attached_programs() {
  const std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)> interfaces(
      if_nameindex(), if_freenameindex);
  if (!interfaces) return fail_errno("list the interfaces", errno);
  silence_libbpf();  // it warns of every filter that is not there
  std::vector<Attached> found;
  for (const struct if_nameindex* one = interfaces.get(); one->if_index != 0; ++one) {
    const unsigned index = one->if_index;
    if (auto done = add_ours(found, *one, Hook::xdp, xdp_programs(index)); !done)
      return std::unexpected(done.error());
    if (auto done = add_ours(found, *one, Hook::tcx, tcx_programs(index)); !done)
      return std::unexpected(done.error());
    if (auto done = add_ours(found, *one, Hook::clsact, ProgramIds{clsact_program(index)}); !done)
      return std::unexpected(done.error());
  }
  return found;
}

UniqueFd find_link(unsigned interface_index, Hook hook) {
  const Result<ProgramIds> programs =
      hook == Hook::xdp ? xdp_programs(interface_index) : tcx_programs(interface_index);
  if (!programs) return {};
  for (const std::uint32_t id : *programs) {
    const Result<bool> ours = is_ours(id);
    if (ours && *ours)
      if (UniqueFd link = link_with(interface_index, hook, id); link.valid()) return link;
  }
  return {};
}

Result<bool> detach_all() {
  Result<std::vector<Attached>> found = attached_programs();
  if (!found) return std::unexpected(found.error());
  const bool any = !found->empty();
  for (int attempt = 0; attempt < kAttempts && !found->empty(); ++attempt) {
    std::ranges::for_each(*found, detach);
    found = attached_programs();
    if (!found) return std::unexpected(found.error());
  }
  if (found->empty()) return any;
  std::vector<std::string> names;
  std::ranges::transform(*found, std::back_inserter(names), &Attached::text);
  return fail(fmt::format("still attached: {}", fmt::join(names, ", ")));
}

}  // namespace fw::datapath::xdp
