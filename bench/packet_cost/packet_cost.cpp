// SPDX-License-Identifier: MIT
// The price of a packet in the datapath, in ns over a bare XDP_DROP and as a ratio to a textbook
// program (LPM trie + LRU hash of token buckets), all in one run, interleaved, median of several.
// Only BPF_PROG_RUN: nothing is attached to any interface.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "datapath/xdp/xdp_datapath.hpp"
#include "harness.skel.h"
#include "lists/image.hpp"
#include "policy/policy.h"

namespace {

constexpr unsigned kListed = 1'000'000;
constexpr unsigned kRounds = 7;
constexpr std::uint32_t kSpread = 2'654'435'761;  // odd: a permutation of all of IPv4
constexpr std::uint32_t kSources = 0x0b000000;
constexpr std::uint32_t kDenied = 0x64400000;
constexpr std::uint32_t kBanned = 0xc0000000;

struct HarnessState {
  std::uint64_t random = 88172645463325252ULL;
  std::uint32_t base = 0, mask = 0, spread = kSpread, pad = 0;
};

int floodwall_program() {
  std::uint32_t id = 0;
  int found = -1;
  while (bpf_prog_get_next_id(id, &id) == 0) {
    const int fd = bpf_prog_get_fd_by_id(id);
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
        std::string_view{info.name} == "floodwall_in") {
      if (found >= 0) close(found);
      found = fd;  // the newest is ours
    } else if (fd >= 0) {
      close(fd);
    }
  }
  return found;
}

std::vector<unsigned char> udp_frame() {
  std::vector<unsigned char> frame(64, 0);
  frame[12] = 8;
  frame[14] = 0x45;
  frame[17] = 50;
  frame[22] = 64;
  frame[23] = 17;
  frame[30] = 10, frame[33] = 1;
  frame[34] = 0x9c, frame[36] = 0x69, frame[37] = 0x87, frame[39] = 30;
  return frame;
}

struct Bench {
  harness* skeleton;
  std::vector<unsigned char> frame = udp_frame();

  // ns a packet, with sources base .. base + count - 1.
  double run(int program, std::uint32_t base, std::uint32_t count, unsigned repeat) {
    std::uint32_t zero = 0;
    const HarnessState state{.base = base, .mask = count - 1};
    bpf_map_update_elem(bpf_map__fd(skeleton->maps.state), &zero, &state, 0);
    if (bpf_map_update_elem(bpf_map__fd(skeleton->maps.under_test), &zero, &program, 0) != 0) {
      fmt::print(stderr, "tail call: {}\n", std::strerror(errno));
      return 0;
    }
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                .data_size_in = static_cast<std::uint32_t>(frame.size()),
                .repeat = static_cast<int>(repeat));
    if (bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.harness), &options) != 0) return 0;
    return options.duration;
  }
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

struct Case {
  std::string name;
  std::uint32_t base, count;
};

}  // namespace

int main() {
  using namespace fw;
  harness* skeleton = harness::open_and_load();
  if (skeleton == nullptr) return 1;
  const std::string pins = fmt::format("/sys/fs/bpf/floodwall-bench-{}", getpid());
  auto datapath = datapath::xdp::open(
      {.sizes = {.sources = 131'072, .flows = 262'144, .bans = 131'072}, .pins = pins});
  if (!datapath) {
    fmt::print(stderr, "{}\n", datapath.error().message);
    return 1;
  }
  const int program = floodwall_program();

  // The list: a million random addresses, and the denied sources.
  std::mt19937 random{1};
  std::vector<lists::Range> deny;
  for (unsigned i = 0; i < kListed; i++) {
    const std::uint32_t a = static_cast<std::uint32_t>(random());
    deny.push_back({Address::v4(a), Address::v4(a)});
    const struct {
      std::uint32_t bits;
      std::array<unsigned char, 4> address;
    } key{32,
          {static_cast<unsigned char>(a >> 24), static_cast<unsigned char>(a >> 16),
           static_cast<unsigned char>(a >> 8), static_cast<unsigned char>(a)}};
    const unsigned char one = 1;
    bpf_map_update_elem(bpf_map__fd(skeleton->maps.trie), &key, &one, 0);
  }
  for (std::uint32_t i = 0; i < 0x10000; i++) {
    const std::uint32_t a = kDenied + i * kSpread;
    deny.push_back({Address::v4(a), Address::v4(a)});
    const struct {
      std::uint32_t bits;
      std::array<unsigned char, 4> address;
    } key{32,
          {static_cast<unsigned char>(a >> 24), static_cast<unsigned char>(a >> 16),
           static_cast<unsigned char>(a >> 8), static_cast<unsigned char>(a)}};
    const unsigned char one = 1;
    bpf_map_update_elem(bpf_map__fd(skeleton->maps.trie), &key, &one, 0);
  }
  std::ranges::sort(deny, {}, &lists::Range::first);
  auto image = lists::build_image(deny, {});
  if (!image || !(*datapath)->publish_lists(*image)) return 1;

  const config::Config configuration;
  auto compiled = config::compile(configuration);
  const fw_config old = (*datapath)->config();
  std::copy(std::begin(old.seed), std::end(old.seed), std::begin(compiled.policy.seed));
  compiled.policy.source_mask = old.source_mask;
  compiled.policy.flow_mask = old.flow_mask;
  compiled.policy.mark_mask = old.mark_mask;
  compiled.policy.lengths_v4 = 1;
  compiled.policy.prefix_bits_v4[0] = 128;
  if (!(*datapath)->publish(compiled.policy, compiled.ports)) return 1;
  const datapath::Tables tables = (*datapath)->tables();
  fw_env env{};
  env.config = &compiled.policy;
  env.mark_keys = tables.mark_keys.data();
  env.marks = tables.marks.data();
  for (std::uint32_t i = 0; i < 0x10000; i++) {
    fw_mark mark{};
    mark.addr = Address::v4(kBanned + i * kSpread).key();
    mark.until_ns = FW_FOREVER;
    mark.kind = FW_MARK_BAN;
    mark.prefix_bits = 128;
    if (fw_policy_mark_put(&env, &mark, (*datapath)->now_ns()) < 0) return 1;
  }

  Bench bench{skeleton};
  const int drop = bpf_program__fd(skeleton->progs.drop);
  const int textbook = bpf_program__fd(skeleton->progs.textbook);
  const std::vector<Case> cases{
      {"passed, 256 sources", kSources, 1U << 8},  {"passed, 64 k sources", kSources, 1U << 16},
      {"passed, 1 M sources", kSources, 1U << 20}, {"passed, 16 M sources", kSources, 1U << 24},
      {"denied, 64 k sources", kDenied, 1U << 16}, {"banned, 64 k sources", kBanned, 1U << 16}};
  fmt::print("{:24}{:>10}{:>12}{:>12}{:>10}\n", "ns over a bare drop", "drop", "floodwall",
             "textbook", "ratio");
  for (const Case& c : cases) {
    std::vector<double> bare, ours, theirs;
    for (unsigned round = 0; round < kRounds; round++) {
      bare.push_back(bench.run(drop, c.base, c.count, 1'000'000));
      ours.push_back(bench.run(program, c.base, c.count, 1'000'000));
      theirs.push_back(bench.run(textbook, c.base, c.count, 300'000));
    }
    const double base = median(bare), a = median(ours) - base, b = median(theirs) - base;
    fmt::print("{:24}{:>10.0f}{:>12.0f}{:>12.0f}{:>10.2f}\n", c.name, base, a, b, a / b);
  }
  (*datapath)->remove();
  harness::destroy(skeleton);
}
