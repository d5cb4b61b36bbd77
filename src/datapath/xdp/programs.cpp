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
                "loading BPF programs is not permitted: run as root (or with CAP_BPF and "
                "CAP_NET_ADMIN)");
  return fail(
      fmt::format("the kernel refused the BPF programs: {} ({}). Linux 5.18 or later is "
                  "needed, with CONFIG_BPF_SYSCALL",
                  last_warning(), std::strerror(error_number)));
}

// The skeleton's name for a map. A VARIABLE is the one element of the map "data_NAME".
#define FW_MAP_ARRAY(name) name
#define FW_MAP_SLICED(name) name
#define FW_MAP_PER_CPU(name) name
#define FW_MAP_VARIABLE(name) data_##name

// All maps. All of them are pinned.
auto maps_of(floodwall_bpf& skeleton) {
  auto& maps = skeleton.maps;
  return std::array{
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

// Pins have the names in env_bpf.h. The map of a VARIABLE is called ".data.NAME".
std::filesystem::path pin_of(const bpf_map& map, const std::filesystem::path& pins) {
  const std::string_view name = bpf_map__name(&map);
  return pins / "maps" / name.substr(name.rfind('.') + 1);
}

// The map pinned under the name of `wanted`, if it has the same type and sizes; with `any_count`,
// its number of elements may differ.
UniqueFd matching_pin(const bpf_map& wanted, const std::filesystem::path& pins,
                      bool any_count = false) {
  UniqueFd fd = open_pin(pin_of(wanted, pins));
  bpf_map_info info{};
  unsigned size = sizeof info;
  if (!fd.valid() || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) return {};
  const bool same = info.type == bpf_map__type(&wanted) &&
                    info.value_size == bpf_map__value_size(&wanted) &&
                    (any_count || info.max_entries == bpf_map__max_entries(&wanted));
  return same ? std::move(fd) : UniqueFd{};
}

bool is_our_abi(int active_fd, int configs_fd) {
  const fw_u32 zero = 0;
  fw_active active{};
  auto halves = std::make_unique<std::array<fw_config, 2>>();
  bpf_map_lookup_elem(active_fd, &zero, &active);
  return bpf_map_lookup_elem(configs_fd, &zero, halves.get()) == 0 &&
         halves->at(active.half & 1).abi_version == FW_ABI_VERSION;
}

// Makes the skeleton use the maps of a former daemon. False: not all of them fit, and none is used.
bool adopt_maps(floodwall_bpf& skeleton, const std::filesystem::path& pins) {
  std::map<bpf_map*, UniqueFd> found;
  for (bpf_map* map : maps_of(skeleton)) {
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

// The entries that a former daemon left pinned, if they are laid out as ours.
UniqueFd former_entries(floodwall_bpf& skeleton, const std::filesystem::path& pins) {
  const UniqueFd active = matching_pin(*skeleton.maps.data_active, pins);
  const UniqueFd configs = matching_pin(*skeleton.maps.data_configs, pins);
  if (!active.valid() || !configs.valid() || !is_our_abi(active.get(), configs.get())) return {};
  return matching_pin(*skeleton.maps.entries, pins, true);
}

// The function by which XDP programs look connections up is in the kernel, or in a module of it.
bool has_conntrack_lookup() {
  using Types = std::unique_ptr<btf, decltype(&btf__free)>;
  const auto has = [](const Types& types) {
    return types && btf__find_by_name_kind(types.get(), "bpf_xdp_ct_lookup", BTF_KIND_FUNC) > 0;
  };
  const Types kernel(btf__load_vmlinux_btf(), btf__free);
  if (!kernel || has(kernel)) return kernel != nullptr;
  return has(Types(btf__load_module_btf("nf_conntrack", kernel.get()), btf__free));
}

Result<LoadedObject> load_object(const std::filesystem::path& pins, const TableSizes& sizes,
                                 bool asks_conntrack) {
  LoadedObject programs;
  programs.skeleton.reset(floodwall_bpf::open());
  if (!programs.skeleton) return fail_load(errno);
  programs.skeleton->rodata->HAS_CONNTRACK = asks_conntrack ? 1 : 0;
  set_sizes(*programs.skeleton, &sizes);
  programs.adopted = adopt_maps(*programs.skeleton, pins);
  if (!programs.adopted) programs.former_entries = former_entries(*programs.skeleton, pins);
  if (const int error = floodwall_bpf::load(programs.skeleton.get()); error != 0)
    return fail_load(-error);
  return programs;
}

}  // namespace

void SkeletonDeleter::operator()(floodwall_bpf* skeleton) const {
  floodwall_bpf::destroy(skeleton);
}

bool may_load_programs() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (geteuid() != 0 || syscall(SYS_capget, &header, sets.data()) != 0) return false;
  return (sets.at(CAP_TO_INDEX(CAP_BPF)).effective & CAP_TO_MASK(CAP_BPF)) != 0;
}

void silence_libbpf() {
  libbpf_set_print(record_warning);
}

Result<LoadedObject> load_object(const std::filesystem::path& pins, const TableSizes& sizes) {
  silence_libbpf();
  // A kernel may have the function, and not for XDP.
  if (has_conntrack_lookup())
    if (auto programs = load_object(pins, sizes, true); programs) return programs;
  return load_object(pins, sizes, false);
}

Result<void> pin_maps(floodwall_bpf& skeleton, const std::filesystem::path& pins) {
  std::set<std::filesystem::path> ours;
  for (bpf_map* map : maps_of(skeleton)) {
    const std::filesystem::path pin = pin_of(*map, pins);
    if (auto done = replace_pin(bpf_map__fd(map), pin); !done) return done;
    ours.insert(pin);
  }
  std::error_code error;  // what cannot be removed only takes memory
  for (const auto& found : std::filesystem::directory_iterator(pins / "maps", error))
    if (!ours.contains(found.path())) std::filesystem::remove(found.path(), error);
  return {};
}

}  // namespace fw::datapath::xdp
