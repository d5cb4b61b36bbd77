// SPDX-License-Identifier: MIT
#include "diff/kernel_side.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "datapath/xdp/list_maps.hpp"
#include "datapath/xdp/programs.hpp"

namespace fw::test {
namespace {

bpf_map* find_bss(const bpf_object* object) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (std::string_view(bpf_map__name(map)).ends_with(".bss")) return map;
  }
  return nullptr;
}

// libbpf's messages of the last load. The verifier's reason is at the end.
std::string& libbpf_log() {
  static std::string text;
  return text;
}
int append_to_log(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  std::array<char, 1 << 16> line{};
  (void)std::vsnprintf(line.data(), line.size(), format, arguments);
  libbpf_log() += line.data();
  return 0;
}
std::string end_of_log() {
  constexpr std::size_t kShown = 2000;
  const std::string& log = libbpf_log();
  return log.size() > kShown ? "..." + log.substr(log.size() - kShown) : log;
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
bool KernelSide::map(const std::string& name, std::span<T>& out) {
  const bpf_map* map = bpf_object__find_map_by_name(object_, name.c_str());
  const std::size_t size = std::size_t{bpf_map__value_size(map)} * bpf_map__max_entries(map);
  void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
  if (address == MAP_FAILED) return false;
  mappings_.emplace_back(address, size);
  out = {static_cast<T*>(address), size / sizeof(T)};
  return true;
}

// Resizes and loads as datapath/xdp/programs.cpp does.
Result<void> KernelSide::load(const std::string& path, datapath::TableSizes configured) {
  const datapath::TableSizes* sizes = &configured;
  libbpf_log().clear();
  libbpf_set_print(append_to_log);
  cpu_ = static_cast<unsigned>(sched_getcpu());
  cpus_ = static_cast<unsigned>(libbpf_num_possible_cpus());
  object_ = bpf_object__open_file(path.c_str(), nullptr);
  if (object_ == nullptr) return fail_errno("open " + path, errno);
  const auto resize = [&](const char* name, std::size_t slots) {
    bpf_map__set_max_entries(bpf_object__find_map_by_name(object_, name),
                             static_cast<unsigned>(slots));
  };
#define FW_RESIZE_ARRAY(name, count) resize(#name, count);
#define FW_RESIZE_SLICED(name, count) resize(#name, std::size_t{count} * cpus_);
#define FW_RESIZE_VARIABLE(name, count)
#define FW_RESIZE_PER_CPU(name, count)
#define FW_RESIZE(storage, name, type, count) FW_RESIZE_##storage(name, count)
  FW_SHARED_TABLES(FW_RESIZE)
  FW_CPU_TABLES(FW_RESIZE)
#undef FW_RESIZE
  if (const int error = bpf_object__load(object_); error != 0) {
    if ((error == -EPERM || error == -EACCES) && !datapath::xdp::may_load_programs())
      return fail(ErrorKind::not_permitted, "this process may not load BPF programs");
    return fail(fmt::format("the kernel refused {}: {}. The end of libbpf's log:\n{}", path,
                            std::strerror(-error), end_of_log()));
  }

  in_ = bpf_program__fd(bpf_object__find_program_by_name(object_, "floodwall_in"));
  in_ip_ = bpf_program__fd(bpf_object__find_program_by_name(object_, "floodwall_in_ip"));
  out_ = bpf_program__fd(bpf_object__find_program_by_name(object_, "floodwall_out"));
  lists_ = bpf_object__find_map_fd_by_name(object_, "lists");
  std::span<fw_clocked> clocked;
  const bpf_map* bss = find_bss(object_);
  if (bss == nullptr || bpf_map__value_size(bss) != sizeof(fw_clocked) ||
      !map(bpf_map__name(bss), clocked) || !map(".data.active", active_) ||
      !map("list_v4", list_v4_) || !map(".data.configs", configs_) || !map("ports", ports_) ||
      !map("entry_pending", entry_pending_))
    return fail_errno("map the tables of " + path, errno);
#define FW_MAP_ARRAY(name) #name
#define FW_MAP_VARIABLE(name) ".data." #name
#define FW_MAP(storage, name, type, count) \
  if (!map(FW_MAP_##storage(name), tables_.name)) return fail_errno("map " #name, errno);
  FW_SHARED_TABLES(FW_MAP)
#undef FW_MAP
  clocked_ = clocked.data();
  env_ = tables_.env(configs_[0]);

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

int KernelSide::ingress(std::span<const fw_u8> frame, std::uint64_t now_ns, unsigned link) {
  return run_program(link == FW_LINK_IP ? in_ip_ : in_, frame, now_ns);
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
  auto rest =
      datapath::xdp::swap_lists({.active = active_.data(), .v4 = list_v4_, .rest = lists_}, image);
  if (!rest) return std::unexpected(rest.error());
  return {};
}

void KernelSide::clear_pending(std::size_t entry_index) {
  for (std::size_t cpu = 0; cpu < entry_pending_.size(); cpu += FW_PENDING_SLOTS)
    fw_policy_forget_pending(&entry_pending_[cpu], static_cast<fw_u32>(entry_index));
}

// A SLICED table is an array with a slice per CPU; each element of a PER_CPU one has a value per
// CPU.
template <typename T>
std::vector<T> KernelSide::of_this_cpu(const char* name, std::size_t count) const {
  const bpf_map* map = bpf_object__find_map_by_name(object_, name);
  const bool sliced = bpf_map__type(map) == BPF_MAP_TYPE_ARRAY;
  std::vector<T> out(count), all(cpus_);
  for (fw_u32 i = 0; i < count; i++) {
    const fw_u32 key = sliced ? cpu_ * static_cast<fw_u32>(count) + i : i;
    (void)bpf_map_lookup_elem(bpf_map__fd(map), &key, sliced ? &out[i] : all.data());
    if (!sliced) out[i] = all[cpu_];
  }
  return out;
}
template std::vector<fw_entry_pending> KernelSide::of_this_cpu(const char*, std::size_t) const;
template std::vector<fw_budget_share> KernelSide::of_this_cpu(const char*, std::size_t) const;
template std::vector<fw_counters> KernelSide::of_this_cpu(const char*, std::size_t) const;
template std::vector<fw_cpu> KernelSide::of_this_cpu(const char*, std::size_t) const;

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
