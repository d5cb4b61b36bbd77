// SPDX-License-Identifier: MIT
// Attaches a program to compare Floodwall with to an interface until standard input ends: a bare
// XDP_DROP, a program that drops exactly the floods' sources, or xdp-filter of xdp-tools with the
// IPv4 addresses of a file on its deny list.
//   receiver INTERFACE drop|drop-flood | receiver INTERFACE xdp-filter FILE
#include <linux/if_link.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <net/if.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "packet_cost/references.hpp"
#include "sender.skel.h"

namespace {

int die(std::string_view what) {
  fmt::print(stderr, "receiver: {}\n", what);
  return 1;
}

std::vector<fw::Address> read_addresses(const char* path) {
  std::vector<fw::Address> addresses;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);)
    if (const auto address = fw::Address::parse(line)) addresses.push_back(*address);
  return addresses;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) return die("usage: receiver INTERFACE drop|drop-flood|xdp-filter [FILE]");
  const unsigned interface = if_nametoindex(arguments[1]);
  const std::string_view what = arguments[2];
  const bool filters = what == "xdp-filter";
  sender* const skeleton = sender::open_and_load();
  if (interface == 0 || skeleton == nullptr) return die(std::strerror(errno));
  int program =
      bpf_program__fd(what == "drop-flood" ? skeleton->progs.drop_flood : skeleton->progs.drop);
  std::optional<fw::bench::References> references;
  if (filters) {
    auto opened = fw::bench::References::open();
    if (!opened) return die(opened.error().message);
    if (count > 3)
      if (auto done = opened->deny(read_addresses(arguments[3])); !done)
        return die(done.error().message);
    const std::optional<int> filter = opened->xdp_filter();
    if (!filter) return die("xdp-filter is not installed (package xdp-tools)");
    program = *filter;
    references = std::move(*opened);
  }
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
  if (bpf_link_create(program, static_cast<int>(interface), BPF_XDP, &options) < 0)
    return die(fmt::format("{}: {}", arguments[1], std::strerror(errno)));
  fmt::print("ready\n");
  (void)std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  sender::destroy(skeleton);
}
