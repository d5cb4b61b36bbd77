// SPDX-License-Identifier: MIT
#include "diff/kernel_side.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "datapath/xdp/list_maps.hpp"

namespace fw::test {
namespace {

bpf_map* find_bss(const bpf_object* object) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (std::string_view(bpf_map__name(map)).ends_with(".bss")) return map;
  }
  return nullptr;
}

}  // namespace

Result<std::unique_ptr<KernelSide>> KernelSide::open(const std::string& object,
                                                     datapath::TableSizes sizes) {
  std::unique_ptr<KernelSide> side(new KernelSide);
  if (auto done = side->load(object, sizes); !done) return std::unexpected(done.error());
  return side;
}

KernelSide::~KernelSide() {
  ring_buffer__free(ring_);
  ring_buffer__free(sample_ring_);
  for (const auto& [address, size] : mappings_) munmap(address, size);
  bpf_object__close(object_);
}

template <typename T>
bool KernelSide::map(const char* name, std::size_t count, std::span<T>& out) {
  const int fd = bpf_object__find_map_fd_by_name(object_, name);
  void* address = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) return false;
  mappings_.emplace_back(address, count * sizeof(T));
  out = {static_cast<T*>(address), count};
  return true;
}

Result<void> KernelSide::load(const std::string& path, datapath::TableSizes sizes) {
  libbpf_set_print(nullptr);
  cpu_ = static_cast<unsigned>(sched_getcpu());
  cpus_ = static_cast<unsigned>(libbpf_num_possible_cpus());
  object_ = bpf_object__open_file(path.c_str(), nullptr);
  if (object_ == nullptr) return fail_errno("open " + path, errno);
  const std::size_t slots = sizes.entry_slots();
  const auto resize = [&](const char* name, std::size_t entries) {
    bpf_map__set_max_entries(bpf_object__find_map_by_name(object_, name),
                             static_cast<unsigned>(entries));
  };
  resize("sources", sizes.sources / FW_SOURCE_SLOTS);
  resize("meters", sizes.sources);
  resize("flows", sizes.flow_buckets());
  resize("flow_filter", sizes.flow_filters());
  resize("entry_keys", sizes.entry_buckets());
  resize("entry_filter", sizes.entry_filters());
  resize("entries", slots);
  resize("entry_pending", std::size_t{FW_PENDING_SLOTS} * cpus_);
  if (const int error = bpf_object__load(object_); error != 0) {
    if (error == -EPERM || error == -EACCES)
      return fail(ErrorKind::not_permitted, "BPF programs may not be loaded here");
    return fail_errno("load " + path, -error);
  }

  in_ = bpf_program__fd(bpf_object__find_program_by_name(object_, "floodwall_in"));
  out_ = bpf_program__fd(bpf_object__find_program_by_name(object_, "floodwall_out"));
  lists_ = bpf_object__find_map_fd_by_name(object_, "lists");
  counters_ = bpf_object__find_map_fd_by_name(object_, "counters");
  shares_ = bpf_object__find_map_fd_by_name(object_, "budget_shares");
  std::span<fw_shared> shared;
  std::span<fw_clocked> clocked;
  const bpf_map* bss = find_bss(object_);
  if (bss == nullptr || bpf_map__value_size(bss) != sizeof(fw_clocked) ||
      !map(bpf_map__name(bss), 1, clocked) || !map(".data.shared", 1, shared) ||
      !map(".data.active", 1, active_) || !map("list_v4", datapath::xdp::kListV4Bytes, list_v4_) ||
      !map(".data.configs", 2, configs_) || !map("ports", 2 * std::size_t{FW_PORT_LINES}, ports_) ||
      !map("sources", sizes.sources / FW_SOURCE_SLOTS, sources_) ||
      !map("meters", sizes.sources, meters_) || !map("flows", sizes.flow_buckets(), flows_) ||
      !map("flow_filter", sizes.flow_filters(), flow_filter_) ||
      !map("entry_keys", sizes.entry_buckets(), entry_keys_) ||
      !map("entry_filter", sizes.entry_filters(), entry_filter_) ||
      !map("entries", slots, entries_) ||
      !map("entry_pending", std::size_t{FW_PENDING_SLOTS} * cpus_, hits_) ||
      !map("served", FW_PORT_LINES, served_) || !map(".data.budgets", FW_BUDGET_SLOTS, budgets_) ||
      !map("signatures", FW_MAX_SIGNATURES, signatures_) ||
      !map(".data.signature_set", 1, signature_set_))
    return fail_errno("map the tables of " + path, errno);
  clocked_ = clocked.data();
  shared_ = shared.data();
  env_.entry_keys = entry_keys_.data();
  env_.entry_filter = entry_filter_.data();
  env_.entries = entries_.data();

  const auto take = [](void* self, void* data, std::size_t size) {
    fw_event event{};
    std::memcpy(&event, data, std::min(size, sizeof event));
    static_cast<KernelSide*>(self)->events_.push_back(event);
    return 0;
  };
  ring_ = ring_buffer__new(bpf_object__find_map_fd_by_name(object_, "events"), take, this, nullptr);
  const auto take_sample = [](void* self, void* data, std::size_t size) {
    fw_sample sample{};
    std::memcpy(&sample, data, std::min(size, sizeof sample));
    static_cast<KernelSide*>(self)->samples_.push_back(sample);
    return 0;
  };
  sample_ring_ = ring_buffer__new(bpf_object__find_map_fd_by_name(object_, "samples"), take_sample,
                                  this, nullptr);
  if (ring_ == nullptr || sample_ring_ == nullptr)
    return fail_errno("open the rings of " + path, errno);
  return {};
}

int KernelSide::run_program(int program, std::span<const fw_u8> frame, std::uint64_t now_ns) {
  clocked_->now_ns = now_ns;
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = frame.data();
  options.data_size_in = static_cast<unsigned>(frame.size());
  const int error = bpf_prog_test_run_opts(program, &options);
  return error != 0 ? error : static_cast<int>(options.retval);
}

int KernelSide::ingress(std::span<const fw_u8> frame, std::uint64_t now_ns) {
  return run_program(in_, frame, now_ns);
}

int KernelSide::egress(std::span<const fw_u8> frame, std::uint64_t now_ns) {
  return run_program(out_, frame, now_ns);
}

void KernelSide::publish(const fw_config& config, std::span<const fw_port_line> ports) {
  const fw_u32 half = 1 - active_[0].half;
  configs_[half] = config;
  std::ranges::copy(ports, ports_.subspan(std::size_t{half} * FW_PORT_LINES).begin());
  active_[0].half = half;
  env_.config = &configs_[half];
}

Result<void> KernelSide::publish_lists(std::span<const std::byte> image) {
  return datapath::xdp::swap_lists({.active = active_.data(), .v4 = list_v4_, .rest = lists_},
                                   image);
}

void KernelSide::clear_pending(std::size_t entry_index) {
  for (std::size_t cpu = 0; cpu < hits_.size(); cpu += FW_PENDING_SLOTS)
    fw_policy_forget_pending(&hits_[cpu], static_cast<fw_u32>(entry_index));
}

fw_counters KernelSide::counters() const {
  const fw_u32 zero = 0;
  std::vector<fw_counters> all(cpus_);
  (void)bpf_map_lookup_elem(counters_, &zero, all.data());
  return all[cpu_];
}

template <typename T>
std::vector<T> KernelSide::per_cpu(int map, std::size_t count) const {
  std::vector<T> out(count), all(cpus_);
  for (fw_u32 i = 0; i < out.size(); i++) {
    (void)bpf_map_lookup_elem(map, &i, all.data());
    out[i] = all[cpu_];
  }
  return out;
}

std::vector<fw_entry_pending> KernelSide::hits() const {
  const auto ours = hits_.subspan(std::size_t{cpu_} * FW_PENDING_SLOTS, FW_PENDING_SLOTS);
  return {ours.begin(), ours.end()};
}

std::vector<fw_budget_share> KernelSide::shares() const {
  return per_cpu<fw_budget_share>(shares_, FW_BUDGET_SLOTS);
}

const std::vector<fw_event>& KernelSide::take_events() {
  events_.clear();
  (void)ring_buffer__consume(ring_);
  taken_.swap(events_);
  return taken_;
}

const std::vector<fw_sample>& KernelSide::take_samples() {
  samples_.clear();
  (void)ring_buffer__consume(sample_ring_);
  taken_samples_.swap(samples_);
  return taken_samples_;
}

}  // namespace fw::test
