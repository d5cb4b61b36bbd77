// SPDX-License-Identifier: MIT
#include "datapath/xdp/programs.hpp"

#include <linux/btf.h>
#include <linux/capability.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "datapath/xdp/bpffs.hpp"
#include "datapath/xdp/transient.hpp"
#include "floodwall_bpf.skel.h"

namespace fw::datapath::xdp {

namespace {

// The last warning of libbpf, which tells more than errno.
std::string& last_warning() {
  static std::string text;
  return text;
}
int record_warning(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN) return 0;
  std::array<char, 1024> line{};
  (void)std::vsnprintf(line.data(), line.size(), format, arguments);
  last_warning() = line.data();
  while (!last_warning().empty() && last_warning().back() == '\n') last_warning().pop_back();
  return 0;
}

std::unexpected<Error> fail_load(int error_number) {
  if (error_number == EPERM || (error_number == EACCES && !may_load_programs()))
    return fail(ErrorKind::not_permitted,
                "loading BPF programs is not permitted: run as root (or with CAP_BPF, "
                "CAP_NET_ADMIN and CAP_PERFMON)");
  auto failed =
      fail(fmt::format("the kernel refused the BPF programs: {} ({}). Linux 5.18 or later is "
                       "needed, with CONFIG_BPF_SYSCALL",
                       last_warning(), std::strerror(error_number)));
  if (is_transient(error_number)) failed.error().kind = ErrorKind::refused;
  return failed;
}

// The skeleton's name for a map. A VARIABLE is the one element of the map "data_NAME".
#define FW_MAP_ARRAY(name) name
#define FW_MAP_SLICED(name) name
#define FW_MAP_PER_CPU(name) name
#define FW_MAP_VARIABLE(name) data_##name

void set_slots(bpf_map* map, std::size_t slots) {
  bpf_map__set_max_entries(map, static_cast<unsigned>(slots));
}
void set_sizes(floodwall_bpf& skeleton, const TableSizes* sizes) {
  const auto cpus = static_cast<unsigned>(libbpf_num_possible_cpus());
#define FW_SIZE_ARRAY(map, count) set_slots(map, count);
#define FW_SIZE_SLICED(map, count) set_slots(map, std::size_t{count} * cpus);
#define FW_SIZE_PER_CPU(map, count)
#define FW_SIZE_VARIABLE(map, count)
#define FW_SIZE(storage, name, type, count) \
  FW_SIZE_##storage(skeleton.maps.FW_MAP_##storage(name), count)
  FW_SHARED_TABLES(FW_SIZE)
  FW_CPU_TABLES(FW_SIZE)
#undef FW_SIZE
}

// The map pinned under the name of `wanted`; an invalid descriptor if there is none of the same
// type and sizes. With `any_count` its number of elements may differ.
Result<UniqueFd> matching_pin(const bpf_map& wanted, const std::filesystem::path& pins,
                              bool any_count = false) {
  const std::filesystem::path pin = pin_of(wanted, pins);
  UniqueFd fd = open_pin(pin);
  if (!fd.valid() && errno == ENOENT) return UniqueFd{};
  bpf_map_info info{};
  unsigned size = sizeof info;
  if (!fd.valid() || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0)
    return fail_call("open the table pinned at " + pin.string(), errno);
  const bool same = info.type == bpf_map__type(&wanted) &&
                    info.value_size == bpf_map__value_size(&wanted) &&
                    (any_count || info.max_entries == bpf_map__max_entries(&wanted));
  return same ? std::move(fd) : UniqueFd{};
}

Result<bool> is_our_abi(int active_fd, int configs_fd) {
  const fw_u32 zero = 0;
  fw_active active{};
  auto halves = std::make_unique<std::array<fw_config, 2>>();
  if (bpf_map_lookup_elem(active_fd, &zero, &active) != 0 ||
      bpf_map_lookup_elem(configs_fd, &zero, halves.get()) != 0)
    return fail_call("read the version of the pinned tables", errno);
  return halves->at(active.half & 1).abi_version == FW_ABI_VERSION;
}

}  // namespace

std::vector<bpf_map*> maps_of(floodwall_bpf& skeleton) {
  auto& maps = skeleton.maps;
  return {
#define FW_PINNED(storage, name, type, count) maps.FW_MAP_##storage(name),
      FW_SHARED_TABLES(FW_PINNED) FW_CPU_TABLES(FW_PINNED)
#undef FW_PINNED
          maps.data_active,
      maps.data_configs,
      maps.ports,
      maps.list_v4,
      maps.lists,
      maps.events,
      maps.samples};
}

// Pins have the names in env_bpf.h. The map of a VARIABLE is called ".data.NAME".
std::filesystem::path pin_of(const bpf_map& map, const std::filesystem::path& pins) {
  const std::string_view name = bpf_map__name(&map);
  return pins / "maps" / name.substr(name.rfind('.') + 1);
}

Result<Skeleton> open_object(const TableSizes& sizes) {
  silence_libbpf();
  Skeleton skeleton(floodwall_bpf::open());
  if (!skeleton) return fail_load(errno);
  set_sizes(*skeleton, &sizes);
  return skeleton;
}

Result<bool> adopt_maps(floodwall_bpf& skeleton, const std::filesystem::path& pins) {
  std::vector<UniqueFd> found;
  std::map<bpf_map*, int> fds;
  for (bpf_map* map : maps_of(skeleton)) {
    Result<UniqueFd> fd = matching_pin(*map, pins);
    if (!fd) return std::unexpected(std::move(fd.error()));
    if (!fd->valid()) return false;
    fds[map] = fd->get();
    found.push_back(std::move(*fd));
  }
  const Result<bool> ours =
      is_our_abi(fds[skeleton.maps.data_active], fds[skeleton.maps.data_configs]);
  if (!ours || !*ours) return ours;
  if (auto used = use_maps(skeleton, found); !used) return std::unexpected(used.error());
  return true;
}

Result<UniqueFd> former_entries(floodwall_bpf& skeleton, const std::filesystem::path& pins) {
  const Result<UniqueFd> active = matching_pin(*skeleton.maps.data_active, pins);
  if (!active) return std::unexpected(active.error());
  const Result<UniqueFd> configs = matching_pin(*skeleton.maps.data_configs, pins);
  if (!configs) return std::unexpected(configs.error());
  if (!active->valid() || !configs->valid()) return UniqueFd{};
  const Result<bool> ours = is_our_abi(active->get(), configs->get());
  if (!ours) return std::unexpected(ours.error());
  return *ours ? matching_pin(*skeleton.maps.entries, pins, true) : UniqueFd{};
}

Result<void> use_maps(floodwall_bpf& skeleton, std::span<const UniqueFd> fds) {
  const std::vector<bpf_map*> maps = maps_of(skeleton);
  for (std::size_t i = 0; i < maps.size(); i++)
    if (const int error = bpf_map__reuse_fd(maps[i], fds[i].get()); error != 0)
      return fail_call("use the tables in the kernel", -error);
  return {};
}

bool has_conntrack_lookup() {
  using Types = std::unique_ptr<btf, decltype(&btf__free)>;
  // In the kernel, or in a module of it.
  const auto has = [](const Types& types) {
    return types && btf__find_by_name_kind(types.get(), "bpf_xdp_ct_lookup", BTF_KIND_FUNC) > 0;
  };
  const Types kernel(btf__load_vmlinux_btf(), btf__free);
  if (!kernel || has(kernel)) return kernel != nullptr;
  return has(Types(btf__load_module_btf("nf_conntrack", kernel.get()), btf__free));
}

Result<void> load(floodwall_bpf& skeleton, bool asks_conntrack) {
  skeleton.rodata->HAS_CONNTRACK = asks_conntrack ? 1 : 0;
  if (const int error = floodwall_bpf::load(&skeleton); error != 0) return fail_load(-error);
  return {};
}

void SkeletonDeleter::operator()(floodwall_bpf* skeleton) const {
  floodwall_bpf::destroy(skeleton);
}

bool may_load_programs() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return false;
  const auto has = [&sets](unsigned capability) {
    return (sets.at(CAP_TO_INDEX(capability)).effective & CAP_TO_MASK(capability)) != 0;
  };
  return has(CAP_BPF) && has(CAP_NET_ADMIN) && has(CAP_PERFMON);
}

void silence_libbpf() {
  libbpf_set_print(record_warning);
}

Result<std::vector<Pin>> pin_maps(floodwall_bpf& skeleton, const std::filesystem::path& pins) {
  std::set<std::filesystem::path> ours;
  std::vector<Pin> made;
  for (bpf_map* map : maps_of(skeleton)) {
    Pin& pin = made.emplace_back(pin_of(*map, pins));
    if (auto done = pin.make(bpf_map__fd(map)); !done) return std::unexpected(done.error());
    ours.insert(pin.path());
  }
  std::error_code error;  // what cannot be removed only takes memory
  for (const auto& found : std::filesystem::directory_iterator(pins / "maps", error))
    if (!ours.contains(found.path())) std::filesystem::remove(found.path(), error);
  return made;
}

}  // namespace fw::datapath::xdp
