// SPDX-License-Identifier: MIT
#include "datapath/xdp/xdp_datapath.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <system_error>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "datapath/xdp/bpffs.hpp"
#include "datapath/xdp/links.hpp"
#include "datapath/xdp/list_maps.hpp"
#include "datapath/xdp/maps.hpp"
#include "floodwall_bpf.skel.h"
#include "host/port_forwarding.hpp"
#include "policy/policy.h"

namespace fw::datapath::xdp {

namespace {

struct SkeletonDeleter {
  void operator()(floodwall_bpf* skeleton) const { floodwall_bpf::destroy(skeleton); }
};
using Skeleton = std::unique_ptr<floodwall_bpf, SkeletonDeleter>;

struct RingDeleter {
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

// Keeps the last warning of libbpf, which says more than errno does.
std::string& last_warning() {
  static std::string text;
  return text;
}
int keep_warning(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN) return 0;
  std::array<char, 1024> line{};
  (void)std::vsnprintf(line.data(), line.size(), format, arguments);
  last_warning() = line.data();
  while (!last_warning().empty() && last_warning().back() == '\n') last_warning().pop_back();
  return 0;
}

// Why the kernel would not know its own cookie again, or never see it; empty: it does.
std::string why_cookies_fail() {
  const auto setting = read_file("/proc/sys/net/ipv4/tcp_syncookies", 16);
  if (!setting || setting->starts_with('0')) return "net.ipv4.tcp_syncookies is 0";
  const Result<bool> forwards = host::forwards_ports();
  if (!forwards)
    return "whether ports of this host are forwarded is not known: " + forwards.error().message;
  return *forwards ? "ports of this host are forwarded (DNAT): an answer may be for another host"
                   : "";
}

std::unexpected<Error> fail_load(int error_number) {
  if (error_number == EPERM || error_number == EACCES)
    return fail(ErrorKind::not_permitted,
                "loading BPF programs is not permitted: run as root (or with CAP_BPF and "
                "CAP_NET_ADMIN)");
  return fail(
      fmt::format("the kernel refused the BPF programs: {} ({}). Linux 5.18 or later is "
                  "needed, with CONFIG_BPF_SYSCALL",
                  last_warning(), std::strerror(error_number)));
}

// The maps that a following daemon finds again, by name.
std::array<bpf_map*, 23> pinned_maps(floodwall_bpf& skeleton) {
  auto& m = skeleton.maps;
  return {m.data_active,  m.data_configs,  m.ports,        m.sources,
          m.meters,       m.flows,         m.entry_keys,   m.entries,
          m.data_shared,  m.served,        m.data_budgets, m.signatures,
          m.lists,        m.entry_pending, m.events,       m.data_signature_set,
          m.counters,     m.cpu_state,     m.samples,      m.budget_shares,
          m.entry_filter, m.list_v4,       m.flow_filter};
}

void set_sizes(floodwall_bpf& skeleton, const TableSizes& sizes) {
  bpf_map__set_max_entries(skeleton.maps.sources, sizes.sources / FW_SOURCE_SLOTS);
  bpf_map__set_max_entries(skeleton.maps.meters, sizes.sources);
  bpf_map__set_max_entries(skeleton.maps.flows, sizes.flow_buckets());
  bpf_map__set_max_entries(skeleton.maps.flow_filter, sizes.flow_filters());
  bpf_map__set_max_entries(skeleton.maps.entry_keys, sizes.entry_buckets());
  bpf_map__set_max_entries(skeleton.maps.entry_filter, sizes.entry_filters());
  bpf_map__set_max_entries(skeleton.maps.entries, sizes.entry_slots());
  bpf_map__set_max_entries(skeleton.maps.entry_pending,
                           FW_PENDING_SLOTS * static_cast<unsigned>(libbpf_num_possible_cpus()));
}

// The names in env_bpf.h: what has a fixed address is called ".data.NAME".
std::filesystem::path pin_of(const bpf_map& map, const std::filesystem::path& pins) {
  const std::string_view name = bpf_map__name(&map);
  return pins / "maps" / name.substr(name.rfind('.') + 1);
}

// A pinned map of exactly the shape that is wanted.
UniqueFd matching_pin(const bpf_map& wanted, const std::filesystem::path& pins) {
  UniqueFd fd = open_pin(pin_of(wanted, pins));
  bpf_map_info info{};
  unsigned size = sizeof info;
  if (!fd.valid() || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) return {};
  const bool same = info.type == bpf_map__type(&wanted) &&
                    info.value_size == bpf_map__value_size(&wanted) &&
                    info.max_entries == bpf_map__max_entries(&wanted);
  return same ? std::move(fd) : UniqueFd{};
}

fw_u32 active_half(int active_fd) {
  const fw_u32 zero = 0;
  fw_active active{};
  bpf_map_lookup_elem(active_fd, &zero, &active);
  return active.half & 1;
}

bool is_our_abi(int active_fd, int configs_fd) {
  const fw_u32 zero = 0;
  auto halves = std::make_unique<std::array<fw_config, 2>>();
  return bpf_map_lookup_elem(configs_fd, &zero, halves.get()) == 0 &&
         halves->at(active_half(active_fd)).abi_version == FW_ABI_VERSION;
}

// Gives the skeleton the maps of a former daemon. False: not all fit; none is taken.
bool adopt_maps(floodwall_bpf& skeleton, const std::filesystem::path& pins) {
  std::map<bpf_map*, UniqueFd> found;
  for (bpf_map* map : pinned_maps(skeleton)) {
    UniqueFd fd = matching_pin(*map, pins);
    if (!fd.valid()) return false;
    found[map] = std::move(fd);
  }
  if (!is_our_abi(found[skeleton.maps.data_active].get(), found[skeleton.maps.data_configs].get()))
    return false;
  for (auto& [map, fd] : found)
    if (bpf_map__reuse_fd(map, fd.get()) != 0) return false;
  return true;
}

class XdpDatapath final : public Datapath {
 public:
  static Result<std::unique_ptr<Datapath>> open(const Options& options);

  std::string kind() const override { return "xdp"; }
  Tables tables() override {
    return {sources_.as<fw_source_bucket>(),
            meters_.as<fw_meter>(),
            flows_.as<fw_flow_bucket>(),
            flow_filter_.as<fw_flow_filter>(),
            entry_keys_.as<fw_entry_keys>(),
            entry_filter_.as<fw_entry_filter>(),
            entries_.as<fw_entry>(),
            served_.as<fw_port_line>(),
            budgets_.as<fw_budget>(),
            signatures_.as<fw_signature>(),
            signature_set_.as<fw_signature_set>().data(),
            shared_.as<fw_shared>().data()};
  }
  std::uint64_t now_ns() const override;
  const fw_config& config() const override { return config_; }
  Result<void> publish(const fw_config& config, std::span<const fw_port_line> ports) override;
  void follow_host() override;
  std::string why_no_syn_cookies() const override;
  Result<void> publish_lists(std::span<const std::byte> image) override;
  Result<void> attach(const std::string& interface) override;
  void detach(const std::string& interface) override;
  std::vector<InterfaceStatus> interfaces() const override;
  void remove() override;
  fw_counters counters() const override;
  std::uint64_t pending_drops(std::size_t entry_index) const override;
  void clear_pending(std::size_t entry_index) override;
  void drain_events(const std::function<void(const fw_event&)>& sink) override;
  int event_fd() const override { return ring_buffer__epoll_fd(ring_.get()); }
  void drain_samples(const std::function<void(const fw_sample&)>& sink) override;
  std::uint64_t memory_bytes() const override;

 private:
  Result<void> load(const Options& options);
  Result<void> map_tables(const TableSizes& sizes);
  Result<void> begin_config(const TableSizes& sizes);
  Result<void> pin_maps();

  std::filesystem::path pins_;
  Skeleton skeleton_;
  bool adopted_ = false;  // the maps are those of a former daemon
  bool pinned_ = false;
  MappedArray active_, configs_, ports_, sources_, meters_, flows_, flow_filter_, entry_keys_,
      entry_filter_, entries_;
  MappedArray entry_pending_;  // those of the first CPU, then those of the next ...
  MappedArray served_, budgets_, signatures_, signature_set_, shared_, list_v4_;
  fw_config config_{};
  bool wants_cookies_ = false;  // the configuration; in force if nothing is against it:
  std::string why_cookies_fail_;
  std::map<std::string, Link> links_;
  std::set<std::string> former_;  // interfaces that still run a former daemon's programs
  std::unique_ptr<ring_buffer, RingDeleter> ring_, samples_;
  const std::function<void(const fw_event&)>* sink_ = nullptr;  // while draining
  const std::function<void(const fw_sample&)>* sample_sink_ = nullptr;
  unsigned cpus_ = 1;
  std::uint64_t list_bytes_ = 0;
  std::uint64_t table_bytes_ = 0;
};

Result<std::unique_ptr<Datapath>> XdpDatapath::open(const Options& options) {
  auto datapath = std::make_unique<XdpDatapath>();
  datapath->pins_ = options.pins;
  if (auto done = prepare_pins(options.pins); !done) return std::unexpected(done.error());
  if (auto done = datapath->load(options); !done) return std::unexpected(done.error());
  if (auto done = datapath->map_tables(options.sizes); !done) return std::unexpected(done.error());
  if (auto done = datapath->begin_config(options.sizes); !done)
    return std::unexpected(done.error());
  datapath->why_cookies_fail_ = why_cookies_fail();
  return datapath;
}

Result<void> XdpDatapath::load(const Options& options) {
  libbpf_set_print(keep_warning);
  former_ = pinned_interfaces(options.pins);
  cpus_ = static_cast<unsigned>(libbpf_num_possible_cpus());
  skeleton_.reset(floodwall_bpf::open());
  if (!skeleton_) return fail_load(errno);
  set_sizes(*skeleton_, options.sizes);
  adopted_ = pinned_ = adopt_maps(*skeleton_, options.pins);
  if (const int error = floodwall_bpf::load(skeleton_.get()); error != 0) return fail_load(-error);

  const auto take = [](void* self, void* data, std::size_t size) {
    const auto* datapath = static_cast<XdpDatapath*>(self);
    if (size == sizeof(fw_event) && datapath->sink_ != nullptr)
      (*datapath->sink_)(*static_cast<const fw_event*>(data));
    return 0;
  };
  ring_.reset(ring_buffer__new(bpf_map__fd(skeleton_->maps.events), take, this, nullptr));
  if (!ring_) return fail_errno("open the event ring", errno);
  const auto take_sample = [](void* self, void* data, std::size_t size) {
    const auto* datapath = static_cast<XdpDatapath*>(self);
    if (size == sizeof(fw_sample) && datapath->sample_sink_ != nullptr)
      (*datapath->sample_sink_)(*static_cast<const fw_sample*>(data));
    return 0;
  };
  samples_.reset(
      ring_buffer__new(bpf_map__fd(skeleton_->maps.samples), take_sample, this, nullptr));
  if (!samples_) return fail_errno("open the sample ring", errno);
  return {};
}

Result<void> XdpDatapath::map_tables(const TableSizes& sizes) {
  struct Wanted {
    MappedArray& array;
    bpf_map* map;
    std::size_t size_bytes;
  };
  auto& maps = skeleton_->maps;
  const std::size_t slots = sizes.entry_slots();
  const std::array wanted{
      Wanted{active_, maps.data_active, sizeof(fw_active)},
      Wanted{configs_, maps.data_configs, 2 * sizeof(fw_config)},
      Wanted{ports_, maps.ports, std::size_t{2} * FW_PORT_LINES * sizeof(fw_port_line)},
      Wanted{sources_, maps.sources, sizes.sources / FW_SOURCE_SLOTS * sizeof(fw_source_bucket)},
      Wanted{meters_, maps.meters, sizes.sources * sizeof(fw_meter)},
      Wanted{flows_, maps.flows, sizes.flow_buckets() * sizeof(fw_flow_bucket)},
      Wanted{flow_filter_, maps.flow_filter, sizes.flow_filters() * sizeof(fw_flow_filter)},
      Wanted{entry_keys_, maps.entry_keys, sizes.entry_buckets() * sizeof(fw_entry_keys)},
      Wanted{entry_filter_, maps.entry_filter, sizes.entry_filters() * sizeof(fw_entry_filter)},
      Wanted{entries_, maps.entries, slots * sizeof(fw_entry)},
      Wanted{entry_pending_, maps.entry_pending,
             std::size_t{FW_PENDING_SLOTS} * cpus_ * sizeof(fw_entry_pending)},
      Wanted{served_, maps.served, FW_PORT_LINES * sizeof(fw_port_line)},
      Wanted{budgets_, maps.data_budgets, FW_BUDGET_SLOTS * sizeof(fw_budget)},
      Wanted{signatures_, maps.signatures, FW_MAX_SIGNATURES * sizeof(fw_signature)},
      Wanted{signature_set_, maps.data_signature_set, sizeof(fw_signature_set)},
      Wanted{shared_, maps.data_shared, sizeof(fw_shared)},
      Wanted{list_v4_, maps.list_v4, kListV4Bytes},
  };
  table_bytes_ = cpus_ * (sizeof(fw_counters) + FW_BUDGET_SLOTS * sizeof(fw_budget_share)) +
                 bpf_map__max_entries(maps.events) + bpf_map__max_entries(maps.samples);
  for (const Wanted& want : wanted) {
    auto array = MappedArray::map(bpf_map__fd(want.map), want.size_bytes);
    if (!array) return std::unexpected(array.error());
    want.array = std::move(*array);
    table_bytes_ += want.size_bytes;
  }
  return {};
}

// The configuration in force, or an empty one with seeds and masks: until publish() all passes.
Result<void> XdpDatapath::begin_config(const TableSizes& sizes) {
  if (adopted_) {
    config_ = configs_.as<fw_config>()[active_half(bpf_map__fd(skeleton_->maps.data_active))];
    return {};
  }
  if (getrandom(&config_.seed[0], sizeof config_.seed, 0) != sizeof config_.seed)
    return fail_errno("read the random seed of the tables", errno);
  config_.abi_version = FW_ABI_VERSION;
  config_.source_mask = sizes.sources / FW_SOURCE_SLOTS - 1;
  config_.flow_mask = sizes.flow_buckets() - 1;
  config_.entry_mask = sizes.entry_slots() / FW_ENTRY_SLOTS - 1;
  configs_.as<fw_config>()[0] = config_;
  active_.as<fw_active>()[0].lists = FW_LISTS_NONE;
  return {};
}

std::uint64_t XdpDatapath::now_ns() const {
  return coarse_monotonic_ns();
}

Result<void> XdpDatapath::publish(const fw_config& config, std::span<const fw_port_line> ports) {
  if (ports.size() != FW_PORT_LINES) return fail("the port table must have every port");
  const std::atomic_ref active{active_.as<fw_active>()[0].half};
  const fw_u32 half = 1 - (active.load() & 1);
  // A packet that began under this half before the last swap has long been judged: a program runs
  // for microseconds, and publishing takes a command.
  wants_cookies_ = config.syn_cookies != 0;
  config_ = config;
  config_.syn_cookies = wants_cookies_ && why_cookies_fail_.empty() ? 1 : 0;
  configs_.as<fw_config>()[half] = config_;
  std::memcpy(ports_.as<fw_port_line>().data() + std::size_t{half} * FW_PORT_LINES, ports.data(),
              ports.size_bytes());
  active.store(half, std::memory_order_release);
  return {};
}

void XdpDatapath::follow_host() {
  why_cookies_fail_ = why_cookies_fail();
  config_.syn_cookies = wants_cookies_ && why_cookies_fail_.empty() ? 1 : 0;
  fw_config& in_force =
      configs_.as<fw_config>()[active_half(bpf_map__fd(skeleton_->maps.data_active))];
  std::atomic_ref(in_force.syn_cookies).store(config_.syn_cookies, std::memory_order_relaxed);
}

std::string XdpDatapath::why_no_syn_cookies() const {
  return wants_cookies_ ? why_cookies_fail_ : "detect.syn_cookies is false";
}

Result<void> XdpDatapath::publish_lists(std::span<const std::byte> image) {
  if (auto done = swap_lists({.active = active_.as<fw_active>().data(),
                              .v4 = list_v4_.as<std::byte>(),
                              .rest = bpf_map__fd(skeleton_->maps.lists)},
                             image);
      !done)
    return done;
  list_bytes_ = image.size() - std::min(image.size(), kListV4Bytes / 2);
  return {};
}

Result<void> XdpDatapath::pin_maps() {
  if (pinned_) return {};
  for (bpf_map* map : pinned_maps(*skeleton_))
    if (auto done = replace_pin(bpf_map__fd(map), pin_of(*map, pins_)); !done) return done;
  pinned_ = true;
  return {};
}

Result<void> XdpDatapath::attach(const std::string& interface) {
  if (auto link = links_.find(interface);
      link != links_.end() && link->second.status().attachment != Attachment::none)
    return {};
  if (auto done = pin_maps(); !done) return done;
  auto link = Link::attach(interface,
                           {.ingress = bpf_program__fd(skeleton_->progs.floodwall_in),
                            .egress = bpf_program__fd(skeleton_->progs.floodwall_out)},
                           pins_);
  if (!link) return std::unexpected(link.error());
  former_.erase(interface);
  links_.insert_or_assign(interface, std::move(*link));
  return {};
}

void XdpDatapath::detach(const std::string& interface) {
  if (former_.erase(interface) != 0) Link::former(interface, pins_).remove();
  auto link = links_.find(interface);
  if (link == links_.end()) return;
  link->second.remove();
  links_.erase(link);
}

std::vector<InterfaceStatus> XdpDatapath::interfaces() const {
  std::vector<InterfaceStatus> out;
  out.reserve(links_.size() + former_.size());
  for (const auto& [name, link] : links_) out.push_back(link.status());
  for (const std::string& name : former_)
    if (!links_.contains(name)) out.push_back(Link::former(name, pins_).status());
  return out;
}

void XdpDatapath::remove() {
  for (auto& [name, link] : links_) link.remove();
  links_.clear();
  former_.clear();
  (void)remove_pinned(pins_);
}

fw_counters XdpDatapath::counters() const {
  std::vector<fw_counters> each(cpus_);
  fw_u32 zero = 0;
  fw_counters sum{};
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.counters), &zero, each.data()) != 0)
    return sum;
  constexpr std::size_t kWords = sizeof(fw_counters) / sizeof(fw_u64);
  std::array<fw_u64, kWords> words{};
  for (const fw_counters& one : each) {
    std::array<fw_u64, kWords> add{};
    std::memcpy(add.data(), &one, sizeof one);
    for (std::size_t i = 0; i < kWords; i++) words[i] += add[i];
  }
  std::memcpy(&sum, words.data(), sizeof sum);
  return sum;
}

std::uint64_t XdpDatapath::pending_drops(std::size_t entry_index) const {
  const auto hits = entry_pending_.as<fw_entry_pending>();
  std::uint64_t sum = 0;
  for (std::size_t cpu = 0; cpu < hits.size(); cpu += FW_PENDING_SLOTS)
    sum += fw_policy_pending(&hits[cpu], static_cast<fw_u32>(entry_index));
  return sum;
}

void XdpDatapath::clear_pending(std::size_t entry_index) {
  const auto hits = entry_pending_.as<fw_entry_pending>();
  for (std::size_t cpu = 0; cpu < hits.size(); cpu += FW_PENDING_SLOTS)
    fw_policy_forget_pending(&hits[cpu], static_cast<fw_u32>(entry_index));
}

void XdpDatapath::drain_events(const std::function<void(const fw_event&)>& sink) {
  sink_ = &sink;
  ring_buffer__consume(ring_.get());
  sink_ = nullptr;
}

void XdpDatapath::drain_samples(const std::function<void(const fw_sample&)>& sink) {
  sample_sink_ = &sink;
  ring_buffer__consume(samples_.get());
  sample_sink_ = nullptr;
}

std::uint64_t XdpDatapath::memory_bytes() const {
  return table_bytes_ + list_bytes_;
}

}  // namespace

Result<std::unique_ptr<Datapath>> open(const Options& options) {
  return XdpDatapath::open(options);
}

Result<bool> remove_pinned(const std::filesystem::path& pins) {
  std::error_code error;
  if (!std::filesystem::exists(pins, error)) return false;
  libbpf_set_print(keep_warning);  // it speaks of every filter that is not there
  for (const std::string& interface : pinned_interfaces(pins))
    Link::former(interface, pins).remove();
  std::filesystem::remove_all(pins, error);
  if (error) return fail(pins.string() + ": " + error.message());
  return true;
}

}  // namespace fw::datapath::xdp
