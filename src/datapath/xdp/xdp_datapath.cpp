// SPDX-License-Identifier: MIT
#include "datapath/xdp/xdp_datapath.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "datapath/address_key.hpp"
#include "datapath/xdp/bpffs.hpp"
#include "datapath/xdp/links.hpp"
#include "datapath/xdp/list_maps.hpp"
#include "datapath/xdp/load.hpp"
#include "datapath/xdp/maps.hpp"
#include "datapath/xdp/parts.hpp"
#include "datapath/xdp/programs.hpp"
#include "datapath/xdp/published_image.hpp"
#include "datapath/xdp/transient.hpp"
#include "floodwall_bpf.skel.h"
#include "host/port_forwarding.hpp"
#include "policy/policy.h"

namespace fw::datapath::xdp {

namespace {

struct RingDeleter {
  void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

// Why the kernel would not accept, or not receive, the ACK to a SYN cookie; empty: it would.
std::string why_cookies_fail() {
  const auto setting = read_file("/proc/sys/net/ipv4/tcp_syncookies", 16);
  if (!setting || setting->starts_with('0')) return "net.ipv4.tcp_syncookies is 0";
  const Result<bool> forwards = host::forwards_ports();
  if (!forwards)
    return "whether ports of this host are forwarded is not known: " + forwards.error().message;
  return *forwards ? "ports of this host are forwarded (DNAT): an answer may be for another host"
                   : "";
}

class XdpDatapath final : public Datapath {
 public:
  static Result<std::unique_ptr<Datapath>> assemble(Parts parts, const Options& options);

  std::string kind() const override { return "xdp"; }
  Tables tables() override;
  bool has_former_entries() const override { return adopted_ || former_entries_.size_bytes() > 0; }
  std::vector<fw_entry> former_entries() const override;
  void forget_former() override { former_entries_ = MappedArray{}; }
  std::uint64_t now_ns() const override;
  const fw_config& config() const override { return config_; }
  Result<void> publish(const fw_config& config, std::span<const fw_port_line> ports) override;
  void recheck_host() override;
  std::string why_no_syn_cookies() const override;
  Result<void> publish_lists(std::span<const std::byte> image) override;
  fw_reason access(const Address& source) override;
  Result<void> attach(const std::string& interface) override;
  void detach(const std::string& interface) override;
  std::vector<InterfaceStatus> interfaces() const override;
  std::vector<Difference> reconcile() override;
  bool needs_lists() const override { return needs_lists_; }
  void remove() override;
  fw_counters counters() const override;
  std::uint64_t pending_drops(std::size_t entry_index) const override;
  void clear_pending(std::size_t entry_index) override;
  void drain_events(const std::function<void(const fw_event&)>& sink) override;
  void drain_samples(const std::function<void(const fw_sample&)>& sink) override;
  std::uint64_t memory_bytes() const override;

 private:
  Result<void> use_programs(Programs programs);
  Result<void> map_tables();
  Result<void> map_former(const UniqueFd& entries);
  void load_again();
  void verify_config(std::vector<Difference>& found);
  void verify_lists(std::vector<Difference>& found);
  void verify_pins(std::vector<Difference>& found);
  Result<void> init_config(const TableSizes& sizes);
  Result<void> open_rings();
  [[nodiscard]] fw_active& active() const { return active_.as<fw_active>()[0]; }
  [[nodiscard]] fw_config& config_in_force() const {
    return configs_.as<fw_config>()[active().half & 1];
  }

  std::filesystem::path pins_;
  Skeleton skeleton_;
  bool adopted_ = false;       // the maps are those of a former daemon
  std::vector<Pin> map_pins_;  // in the order of maps_of(); empty: not pinned yet
  Programs programs_;
  ProgramFds program_fds_;
  std::string why_not_loaded_;  // empty, or why a former daemon's programs are in force
  bool asks_conntrack_ = false;
  std::optional<Load> load_;  // that is tried again
  std::uint64_t load_due_ns_ = 0, load_pause_ns_ = 0;
  MappedArray active_, configs_, ports_, list_v4_;
  MappedArray list_rest_;  // what is behind list_v4_ in the image in force
#define FW_MAPPED(storage, name, type, count) MappedArray name##_;
  FW_SHARED_TABLES(FW_MAPPED)
#undef FW_MAPPED
  MappedArray entry_pending_;  // slices, by CPU
  MappedArray former_entries_;
  fw_config config_{};
  fw_u32 half_ = 0;                       // in force, of configuration and ports
  std::vector<fw_port_line> ports_copy_;  // as published; empty: nothing was yet
  PublishedImage image_;
  bool needs_lists_ = false;
  mutable fw_counters counters_{};  // as last read
  bool wants_cookies_ = false;      // by the configuration; in force if why_cookies_fail_ is empty
  std::string why_cookies_fail_;
  std::map<std::string, Link> links_;
  std::set<std::string> former_;  // interfaces that still run a former daemon's programs
  std::unique_ptr<ring_buffer, RingDeleter> ring_, samples_;
  const std::function<void(const fw_event&)>* sink_ = nullptr;  // while draining
  const std::function<void(const fw_sample&)>* sample_sink_ = nullptr;
  unsigned cpus_ = 1;
  std::uint64_t table_bytes_ = 0;
};

Result<std::unique_ptr<Datapath>> XdpDatapath::assemble(Parts parts, const Options& options) {
  auto datapath = std::make_unique<XdpDatapath>();
  datapath->pins_ = options.pins;
  datapath->former_ = pinned_interfaces(options.pins);
  datapath->cpus_ = static_cast<unsigned>(libbpf_num_possible_cpus());
  datapath->skeleton_ = std::move(parts.object);
  datapath->adopted_ = parts.adopted;
  datapath->asks_conntrack_ = parts.asks_conntrack;
  datapath->why_not_loaded_ = std::move(parts.why_not_loaded);
  if (datapath->why_not_loaded_.empty())
    if (auto done = datapath->use_programs(std::move(parts.programs)); !done)
      return std::unexpected(done.error());
  if (parts.adopted)
    for (const bpf_map* map : maps_of(*datapath->skeleton_))
      datapath->map_pins_.emplace_back(pin_of(*map, options.pins)).adopt();
  if (auto done = datapath->open_rings(); !done) return std::unexpected(done.error());
  if (auto done = datapath->map_tables(); !done) return std::unexpected(done.error());
  if (auto done = datapath->map_former(parts.former_entries); !done)
    return std::unexpected(done.error());
  if (auto done = datapath->init_config(options.sizes); !done) return std::unexpected(done.error());
  datapath->why_cookies_fail_ = why_cookies_fail();
  return datapath;
}

// They go on changing, so they are mapped and not copied.
Result<void> XdpDatapath::map_former(const UniqueFd& entries) {
  if (!entries.valid()) return {};
  bpf_map_info info{};
  unsigned size = sizeof info;
  if (bpf_obj_get_info_by_fd(entries.get(), &info, &size) != 0)
    return fail_call("read the size of a former daemon's table", errno);
  auto array = MappedArray::map(entries.get(), std::size_t{info.value_size} * info.max_entries);
  if (!array) return std::unexpected(array.error());
  former_entries_ = std::move(*array);
  return {};
}

Result<void> XdpDatapath::use_programs(Programs programs) {
  const auto program_of = [](const UniqueFd& fd) -> Result<Program> {
    bpf_prog_info info{};
    unsigned size = sizeof info;
    if (bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0)
      return fail_call("ask the kernel for a program", errno);
    return Program{.fd = fd.get(), .id = info.id};
  };
  ProgramFds fds;
  for (const auto& [fd, to] : {std::pair(&programs.ingress, &fds.ethernet.ingress),
                               std::pair(&programs.egress, &fds.ethernet.egress),
                               std::pair(&programs.ingress_ip, &fds.ip.ingress),
                               std::pair(&programs.egress_ip, &fds.ip.egress)}) {
    const Result<Program> program = program_of(*fd);
    if (!program) return std::unexpected(program.error());
    *to = *program;
  }
  programs_ = std::move(programs);
  program_fds_ = fds;
  return {};
}

Result<void> XdpDatapath::open_rings() {
  const auto take = [](void* self, void* data, std::size_t size) {
    const auto* datapath = static_cast<XdpDatapath*>(self);
    if (size == sizeof(fw_event) && datapath->sink_ != nullptr)
      (*datapath->sink_)(*static_cast<const fw_event*>(data));
    return 0;
  };
  ring_.reset(ring_buffer__new(bpf_map__fd(skeleton_->maps.events), take, this, nullptr));
  if (!ring_) return fail_call("open the event ring", errno);
  const auto take_sample = [](void* self, void* data, std::size_t size) {
    const auto* datapath = static_cast<XdpDatapath*>(self);
    if (size == sizeof(fw_sample) && datapath->sample_sink_ != nullptr)
      (*datapath->sample_sink_)(*static_cast<const fw_sample*>(data));
    return 0;
  };
  samples_.reset(
      ring_buffer__new(bpf_map__fd(skeleton_->maps.samples), take_sample, this, nullptr));
  if (!samples_) return fail_call("open the sample ring", errno);
  return {};
}

Result<void> XdpDatapath::map_tables() {
  struct Wanted {
    MappedArray& array;
    bpf_map* map;
  };
  auto& maps = skeleton_->maps;
  const std::array wanted{
#define FW_MAP_ARRAY(name) name
#define FW_MAP_VARIABLE(name) data_##name
#define FW_WANTED(storage, name, type, count) Wanted{name##_, maps.FW_MAP_##storage(name)},
      FW_SHARED_TABLES(FW_WANTED)
#undef FW_WANTED
          Wanted{entry_pending_, maps.entry_pending},
      Wanted{active_, maps.data_active}, Wanted{configs_, maps.data_configs},
      Wanted{ports_, maps.ports}, Wanted{list_v4_, maps.list_v4}};
  table_bytes_ = cpus_ * (sizeof(fw_counters) + FW_BUDGET_SLOTS * sizeof(fw_budget_share)) +
                 bpf_map__max_entries(maps.events) + bpf_map__max_entries(maps.samples);
  for (const Wanted& want : wanted) {
    const std::size_t bytes =
        std::size_t{bpf_map__value_size(want.map)} * bpf_map__max_entries(want.map);
    auto array = MappedArray::map(bpf_map__fd(want.map), bytes);
    if (!array) return std::unexpected(array.error());
    want.array = std::move(*array);
    table_bytes_ += bytes;
  }
  return {};
}

Tables XdpDatapath::tables() {
  return {
#define FW_LEND(storage, name, type, count) \
  .name = {name##_.as<type>().data(), name##_.as<type>().size()},
      FW_SHARED_TABLES(FW_LEND)
#undef FW_LEND
  };
}

// Reads the configuration that a former daemon left in force, or makes one with seeds and masks
// only: until publish() everything passes.
Result<void> XdpDatapath::init_config(const TableSizes& sizes) {
  if (adopted_) {
    config_ = config_in_force();
    return {};
  }
  if (getrandom(&config_.seed[0], sizeof config_.seed, 0) != sizeof config_.seed ||
      getrandom(&config_.challenge_seed[0], sizeof config_.challenge_seed, 0) !=
          sizeof config_.challenge_seed)
    return fail_call("read the random seed of the tables", errno);
  config_.abi_version = FW_ABI_VERSION;
  set_masks(config_, sizes);
  configs_.as<fw_config>()[0] = config_;
  active().lists = FW_LISTS_NONE;
  return {};
}

std::vector<fw_entry> XdpDatapath::former_entries() const {
  std::vector<fw_entry> found;
  for (const fw_entry& entry : former_entries_.as<const fw_entry>())
    if (__atomic_load_n(&entry.until_ns, __ATOMIC_ACQUIRE) != 0) found.push_back(entry);
  return found;
}

std::uint64_t XdpDatapath::now_ns() const {
  return coarse_monotonic_ns();
}

Result<void> XdpDatapath::publish(const fw_config& config, std::span<const fw_port_line> ports) {
  if (ports.size() != FW_PORT_LINES) return fail("the port table must have every port");
  const std::atomic_ref half_in_force{active().half};
  const fw_u32 half = 1 - (half_in_force.load() & 1);
  // No packet still reads this half: a program runs for microseconds, and the last swap was at
  // least one command ago.
  wants_cookies_ = config.syn_cookies != 0;
  config_ = config;
  config_.syn_cookies = wants_cookies_ && why_cookies_fail_.empty() ? 1 : 0;
  configs_.as<fw_config>()[half] = config_;
  ports_copy_.assign(ports.begin(), ports.end());
  std::memcpy(ports_.as<fw_port_line>().data() + std::size_t{half} * FW_PORT_LINES, ports.data(),
              ports.size_bytes());
  half_in_force.store(half, std::memory_order_release);
  half_ = half;
  return {};
}

void XdpDatapath::recheck_host() {
  why_cookies_fail_ = why_cookies_fail();
  config_.syn_cookies = wants_cookies_ && why_cookies_fail_.empty() ? 1 : 0;
  std::atomic_ref(config_in_force().syn_cookies)
      .store(config_.syn_cookies, std::memory_order_relaxed);
}

std::string XdpDatapath::why_no_syn_cookies() const {
  return wants_cookies_ ? why_cookies_fail_ : "detect.syn_cookies is false";
}

// The kernel's number of the map of a half of the lists; 0: it does not tell.
std::uint32_t list_map(int maps, fw_u32 half) {
  std::uint32_t id = 0;
  return bpf_map_lookup_elem(maps, &half, &id) == 0 ? id : 0;
}

Result<void> XdpDatapath::publish_lists(std::span<const std::byte> image) {
  const int maps = bpf_map__fd(skeleton_->maps.lists);
  auto rest =
      swap_lists({.active = &active(), .v4 = list_v4_.as<std::byte>(), .rest = maps}, image);
  if (!rest) return std::unexpected(rest.error());
  list_rest_ = std::move(*rest);
  needs_lists_ = false;
  const fw_u32 word = active().lists, half = word & FW_LISTS_HALF;
  if (half >= FW_LISTS_NONE)
    image_.set(word, 0, {}, {});
  else
    image_.set(word, list_map(maps, half),
               list_v4_.as<std::byte>().subspan(half * kListV4Bytes / 2, kListV4Bytes / 2),
               list_rest_.as<std::byte>());
  return {};
}

fw_reason XdpDatapath::access(const Address& source) {
  fw_env env = tables().env(config_);
  const fw_u32 half = active().lists & FW_LISTS_HALF;
  const std::span<const fw_list_line> rest = list_rest_.as<const fw_list_line>();
  if (half < FW_LISTS_NONE && !rest.empty()) {
    env.list_v4 = &list_v4_.as<fw_list_line>()[std::size_t{half} * FW_LIST_V4_LINES];
    env.list_rest = rest.data();
    env.list_rest_lines = static_cast<fw_u32>(rest.size());
  }
  return fw_policy_access(&env, key_of(source), now_ns());
}

Result<void> XdpDatapath::attach(const std::string& interface) {
  auto link = links_.find(interface);
  if (link != links_.end() && link->second.is_in_place()) return {};
  if (link != links_.end() && !link->second.refusal().empty())
    return fail(ErrorKind::refused, link->second.refusal());
  if (!why_not_loaded_.empty()) {
    if (former_.contains(interface) &&
        Link::open_pinned(interface, pins_).status().attachment != Attachment::none)
      return {};
    return fail(ErrorKind::refused, fmt::format("{} is not protected yet: {}; it is tried again",
                                                interface, why_not_loaded_));
  }
  // It got another name since the caller looked: what is attached stays where it is.
  const unsigned index = if_nametoindex(interface.c_str());
  if (index == 0) return fail(ErrorKind::refused, fmt::format("{} went away", interface));
  // An interface that has a new name keeps its link.
  const auto renamed =
      std::ranges::find_if(links_, [&](const auto& each) { return each.second.on() == index; });
  if (renamed != links_.end() && link == links_.end()) {
    auto node = links_.extract(renamed);
    node.key() = interface;
    node.mapped().rename(interface);
    links_.insert(std::move(node));
    return {};
  }
  if (map_pins_.empty()) {
    auto pinned = pin_maps(*skeleton_, pins_);
    if (!pinned) return std::unexpected(std::move(pinned.error()));
    map_pins_ = std::move(*pinned);
  }
  if (link != links_.end() && link->second.on() != 0) {  // another interface has the name now
    link->second.remove();
    links_.erase(link);
  }
  auto attached = Link::attach(interface, program_fds_, pins_);
  if (!attached) return std::unexpected(attached.error());
  former_.erase(interface);
  links_.insert_or_assign(interface, std::move(*attached));
  return {};
}

void XdpDatapath::detach(const std::string& interface) {
  if (former_.erase(interface) != 0) Link::open_pinned(interface, pins_).remove();
  auto link = links_.find(interface);
  if (link == links_.end()) return;
  link->second.remove();
  links_.erase(link);
}

std::vector<InterfaceStatus> XdpDatapath::interfaces() const {
  std::vector<InterfaceStatus> out;
  out.reserve(links_.size() + former_.size());
  for (const auto& [name, link] : links_) out.push_back(link.status());
  for (const std::string& name : former_) {
    if (links_.contains(name)) continue;
    InterfaceStatus& status = out.emplace_back(Link::open_pinned(name, pins_).status());
    if (!why_not_loaded_.empty() && status.attachment != Attachment::none)
      status.problem = fmt::format(
          "the programs of the former floodwalld judge its packets by the tables of this one: {}; "
          "it is tried again",
          why_not_loaded_);
  }
  return out;
}

// ------------------------------------------------------------------- looking again

std::vector<Difference> XdpDatapath::reconcile() {
  std::vector<Difference> found;
  if (!why_not_loaded_.empty()) load_again();
  verify_config(found);
  verify_lists(found);
  verify_pins(found);
  for (auto& [name, link] : links_) link.verify(found);
  return found;
}

// What could not be loaded at the start, over the tables that are in use.
void XdpDatapath::load_again() {
  constexpr std::uint64_t kLongestPauseNs = 60 * kSecond;  // judgement
  const auto failed = [&](std::string why) {
    load_.reset();
    why_not_loaded_ = std::move(why);
    load_pause_ns_ = std::clamp(2 * load_pause_ns_, kSecond, kLongestPauseNs);
    load_due_ns_ = now_ns() + load_pause_ns_;
  };
  if (!load_) {
    if (now_ns() < load_due_ns_) return;
    auto begun = Load::begin(*skeleton_, asks_conntrack_);
    if (!begun) return failed(begun.error().message);
    load_.emplace(std::move(*begun));
  }
  auto programs = load_->poll(*skeleton_, 0);
  if (!programs) return;
  if (!*programs) return failed(programs->error().message);
  load_.reset();
  if (auto used = use_programs(std::move(**programs)); !used) return failed(used.error().message);
  why_not_loaded_.clear();
}

void XdpDatapath::verify_config(std::vector<Difference>& found) {
  if (ports_copy_.empty()) return;
  const fw_u32 half = std::atomic_ref(active().half).load();
  const auto ports = ports_.as<fw_port_line>().subspan(std::size_t{half_} * FW_PORT_LINES);
  const bool is_right =
      half == half_ &&
      std::memcmp(&configs_.as<fw_config>()[half_], &config_, sizeof config_) == 0 &&
      std::memcmp(ports.data(), ports_copy_.data(), FW_PORT_LINES * sizeof(fw_port_line)) == 0;
  if (is_right) return;
  fw_config config = config_;
  config.syn_cookies = wants_cookies_ ? 1 : 0;
  const std::vector<fw_port_line> lines = ports_copy_;
  const auto done = publish(config, lines);
  found.push_back({.what = "the configuration in the kernel was changed",
                   .unsolved = done ? "" : done.error().message});
}

void XdpDatapath::verify_lists(std::vector<Difference>& found) {
  if (ports_copy_.empty() || needs_lists_) return;
  const std::atomic_ref word(active().lists);
  if (word.load() != image_.word()) {
    word.store(image_.word(), std::memory_order_release);
    found.push_back({.what = "the lists in the kernel were switched off or over", .unsolved = ""});
  }
  const fw_u32 half = image_.word() & FW_LISTS_HALF;
  if (half >= FW_LISTS_NONE) return;
  const std::uint32_t map = list_map(bpf_map__fd(skeleton_->maps.lists), half);
  const bool is_ours = map == 0 || image_.map() == 0 || map == image_.map();
  needs_lists_ = !is_ours || !image_.look();
}

void XdpDatapath::verify_pins(std::vector<Difference>& found) {
  if (map_pins_.empty()) return;
  const std::vector<bpf_map*> maps = maps_of(*skeleton_);
  std::size_t gone = 0;
  Result<void> made;
  for (std::size_t i = 0; i < map_pins_.size(); i++) {
    if (map_pins_[i].is_there()) continue;
    if (gone++ == 0) made = prepare_pins(pins_);
    if (made) made = map_pins_[i].make(bpf_map__fd(maps[i]));
  }
  if (gone != 0)
    found.push_back({.what = fmt::format("the pins of {} tables were gone", gone),
                     .unsolved = made ? "" : made.error().message});
}

// ------------------------------------------------------------------- the rest

void XdpDatapath::remove() {
  load_.reset();
  map_pins_.clear();
  for (auto& [name, link] : links_) link.remove();
  links_.clear();
  former_.clear();
  (void)remove_pinned(pins_);
}

fw_counters XdpDatapath::counters() const {
  std::vector<fw_counters> each(cpus_);
  fw_u32 zero = 0;
  // A failed call is not zero packets.
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.counters), &zero, each.data()) != 0)
    return counters_;
  fw_counters sum{};
  for (const fw_counters& one : each) add(sum, one);
  counters_ = sum;
  return sum;
}

std::uint64_t XdpDatapath::pending_drops(std::size_t entry_index) const {
  const auto pending = entry_pending_.as<fw_entry_pending>();
  std::uint64_t sum = 0;
  for (std::size_t cpu = 0; cpu < pending.size(); cpu += FW_PENDING_SLOTS)
    sum += fw_policy_pending(&pending[cpu], static_cast<fw_u32>(entry_index));
  return sum;
}

void XdpDatapath::clear_pending(std::size_t entry_index) {
  const auto pending = entry_pending_.as<fw_entry_pending>();
  for (std::size_t cpu = 0; cpu < pending.size(); cpu += FW_PENDING_SLOTS)
    fw_policy_forget_pending(&pending[cpu], static_cast<fw_u32>(entry_index));
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
  return table_bytes_ + list_rest_.size_bytes();
}

}  // namespace

Result<std::unique_ptr<Datapath>> assemble(Parts parts, const Options& options) {
  return XdpDatapath::assemble(std::move(parts), options);
}

Result<bool> remove_pinned(const std::filesystem::path& pins) {
  std::error_code error;
  if (!std::filesystem::exists(pins, error)) return false;
  silence_libbpf();  // libbpf warns of every filter that is not there
  for (const std::string& interface : pinned_interfaces(pins))
    Link::open_pinned(interface, pins).remove();
  return remove_folder(pins);
}

}  // namespace fw::datapath::xdp
