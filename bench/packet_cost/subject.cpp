// SPDX-License-Identifier: MIT
#include "subject.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <span>
#include <string_view>

#include "base/fd.hpp"
#include "datapath/address_key.hpp"

namespace fw::bench {

namespace {

// Loaded programs of that name, the newest first. Another Floodwall on this machine may have its
// own.
std::vector<int> programs_named(std::string_view name) {
  std::vector<int> found;
  std::uint32_t id = 0;
  while (bpf_prog_get_next_id(id, &id) == 0) {
    const int fd = bpf_prog_get_fd_by_id(id);
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
        std::string_view{static_cast<const char*>(info.name)} == name)
      found.insert(found.begin(), fd);
    else if (fd >= 0)
      close(fd);
  }
  return found;
}

// The map of that name that a program uses.
UniqueFd map_of(int program, std::string_view name) {
  std::array<std::uint32_t, 64> ids{};
  bpf_prog_info info{};
  info.map_ids = reinterpret_cast<std::uintptr_t>(ids.data());
  info.nr_map_ids = ids.size();
  std::uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(program, &info, &size) != 0) return {};
  for (const std::uint32_t id : std::span(ids).first(std::min<std::size_t>(info.nr_map_ids, 64))) {
    UniqueFd map(bpf_map_get_fd_by_id(id));
    bpf_map_info about{};
    size = sizeof about;
    if (map.valid() && bpf_obj_get_info_by_fd(map.get(), &about, &size) == 0 &&
        std::string_view{static_cast<const char*>(about.name)} == name)
      return map;
  }
  return {};
}

config::Config configuration(Limits limits, unsigned services) {
  config::Config made;
  if (limits == Limits::roomy)
    for (config::Budget& budget : made.budgets)
      budget = {.limit = 10'000'000, .burst = 1'000'000, .served_burst = 1'000'000};
  if (limits == Limits::tight) made.limit_default[FW_METRIC_UDP] = {.limit = 0.125, .ban_at = {}};
  for (unsigned i = 0; i < services; i++) {
    const auto port = static_cast<std::uint16_t>(kPort + i);
    made.services.push_back({.name = fmt::format("service-{}", i),
                             .ports = {{.udp = true, .first = port, .last = port}},
                             .limits = made.limit_default,
                             .ban_time = {},
                             .challenge = {}});
  }
  return made;
}

}  // namespace

Result<Subject> Subject::open() {
  Subject made;
  const config::Tables sizes;
  auto datapath = datapath::xdp::open(
      {.sizes = {.sources = sizes.sources, .flows = sizes.flows, .bans = sizes.bans},
       .pins = fmt::format("/sys/fs/bpf/floodwall-bench-{}", getpid())});
  if (!datapath) return std::unexpected(datapath.error());
  made.datapath_ = std::move(*datapath);
  if (auto done = made.configure(Limits::defaults, 0); !done) return std::unexpected(done.error());
  if (auto done = made.find_program(); !done) return std::unexpected(done.error());
  return made;
}

Subject::~Subject() {
  if (program_ >= 0 && datapath_) close(program_);
  if (datapath_) datapath_->remove();
}

// Our program is the one whose runs our counters count.
Result<void> Subject::find_program() {
  const auto judged = [this] {
    const fw_counters now = counters();
    fw_u64 sum = 0;
    for (const fw_u64 packets : now.packets) sum += packets;
    return sum;
  };
  std::vector<unsigned char> frame = make_frame(4, Kind::udp);
  for (const int fd : programs_named("floodwall_in")) {
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                .data_size_in = static_cast<std::uint32_t>(frame.size()), .repeat = 1);
    const fw_u64 before = judged();
    if (program_ < 0 && bpf_prog_test_run_opts(fd, &options) == 0 && judged() > before)
      program_ = fd;
    else
      close(fd);
  }
  if (program_ < 0) return fail("the loaded XDP program is not to be found");
  return {};
}

Result<void> Subject::configure(Limits limits, unsigned services) {
  compiled_ = config::compile(configuration(limits, services));
  fw_config& policy = compiled_.policy;
  const fw_config& old = datapath_->config();
  std::ranges::copy(old.seed, std::begin(policy.seed));
  policy.source_mask = old.source_mask;
  policy.flow_mask = old.flow_mask;
  policy.entry_mask = old.entry_mask;
  policy.lengths_v4 = 1;  // single addresses ...
  policy.prefix_bits_v4[0] = 128;
  policy.lengths_v6 = 2;  // ... and for IPv6 also /64s, which is what bans are of
  policy.prefix_bits_v6[0] = 128;
  policy.prefix_bits_v6[1] = 64;
  if (auto done = reset_budgets(); !done) return done;
  return datapath_->publish(policy, compiled_.ports);
}

// Tokens used and refusals under other budgets would count under these.
Result<void> Subject::reset_budgets() {
  const std::span<fw_budget> budgets = datapath_->tables().budgets;
  std::memset(static_cast<void*>(budgets.data()), 0, budgets.size_bytes());
  std::ranges::fill(datapath_->tables().shared->under_load_until_ns, 0);
  const std::vector<fw_budget_share> nothing(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  if (program_ < 0) return {};
  const UniqueFd shares = map_of(program_, "budget_shares");
  for (std::uint32_t i = 0; i < budgets.size(); i++)
    if (bpf_map_update_elem(shares.get(), &i, nothing.data(), BPF_ANY) != 0)
      return fail("each CPU's shares of the budgets cannot be reset");
  return {};
}

Result<void> Subject::use_lists(std::span<const std::byte> image) {
  return datapath_->publish_lists(image);
}

fw_env Subject::env() {
  return datapath_->tables().env(compiled_.policy);
}

Result<void> Subject::entry(fw_u8 kind, int family, const Sources& sources) {
  fw_env env = this->env();
  for (std::uint32_t i = 0; i < sources.count; i++) {
    fw_entry entry{};
    entry.prefix_bits = family == 4 ? 128 : 64;
    entry.addr = key_of(masked(sources.at(family, i), entry.prefix_bits));
    entry.until_ns = FW_FOREVER;
    entry.kind = kind;
    if (fw_policy_entry_put(&env, &entry, datapath_->now_ns()) < 0)
      return fail("no room for so many entries");
  }
  return {};
}

void Subject::erase_all() {
  fw_env env = this->env();
  for (std::uint32_t i = 0; i < datapath_->tables().entries.size(); i++)
    if (datapath_->tables().entries[i].until_ns != 0) fw_policy_entry_erase(&env, i);
}

void Subject::set_signatures(unsigned count, bool last_matches) {
  const datapath::Tables tables = datapath_->tables();
  std::ranges::fill(tables.signature_set->active, fw_u64{0});
  for (unsigned i = 0; i < count; i++) {
    fw_signature signature{};
    signature.mask.word[0] = 0xffff;  // the destination port ...
    signature.value.word[0] = last_matches && i + 1 == count ? kPort : 100 + i;
    signature.mask.word[1] = signature.value.word[1] = 0;
    tables.signatures[i] = signature;
  }
  const fw_u64 bits = count >= 64 ? ~fw_u64{0} : (fw_u64{1} << count) - 1;
  std::ranges::fill(tables.signature_set->active, bits);
}

void Subject::establish(int family, const Sources& sources) {
  fw_env env = this->env();
  for (std::uint32_t i = 0; i < sources.count; i++)
    fw_policy_flow_establish(&env, key_of(sources.at(family, i)), kSourcePort,
                             key_of(server(family)), kPort, FW_IPPROTO_TCP, datapath_->now_ns());
}

void Subject::empty_tables() {
  const datapath::Tables tables = datapath_->tables();
  std::memset(static_cast<void*>(tables.sources.data()), 0, tables.sources.size_bytes());
  std::memset(static_cast<void*>(tables.flows.data()), 0, tables.flows.size_bytes());
}

void Subject::drain() {
  datapath_->drain_events([](const fw_event&) {});
  datapath_->drain_samples([](const fw_sample&) {});
}

std::vector<Address> random_addresses(int family, std::size_t count) {
  std::mt19937 random{1};  // NOLINT(cert-msc51-cpp): the same every time
  std::vector<Address> made;
  made.reserve(count);
  while (made.size() < count) {
    const auto word = static_cast<std::uint32_t>(random());
    // IPv6: in 2,048 /32s, like feeds that list hosts of many networks.
    made.push_back(family == 4
                       ? Address::v4(word)
                       : Address{0x2a00'0000'0000'0000 |
                                     static_cast<std::uint64_t>(random() & 0x7ff) << 32 | word,
                                 0});
  }
  return made;
}

Result<std::vector<std::byte>> deny_image(std::span<const Address> addresses) {
  std::vector<lists::Range> ranges;
  ranges.reserve(addresses.size());
  for (const Address& address : addresses) {
    lists::Range range{masked(address, address.is_v4() ? 128 : 64), address};
    if (!address.is_v4()) range.last.lo = ~std::uint64_t{0};
    ranges.push_back(range);
  }
  return lists::build_image(ranges, {});
}

}  // namespace fw::bench
