// SPDX-License-Identifier: MIT
#include "datapath/xdp/list_maps.hpp"

#include <bpf/bpf.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/fd.hpp"
#include "datapath/xdp/maps.hpp"
#include "datapath/xdp/transient.hpp"

namespace fw::datapath::xdp {

namespace {

constexpr std::size_t kHalfBytes = kListV4Bytes / 2;

struct ListMap {
  UniqueFd fd;
  MappedArray memory;
};

Result<ListMap> make_map(std::span<const std::byte> lines) {
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
  UniqueFd fd{bpf_map_create(BPF_MAP_TYPE_ARRAY, "fw_list", sizeof(fw_u32), FW_LINE_BYTES,
                             static_cast<fw_u32>(lines.size() / FW_LINE_BYTES), &options)};
  if (!fd.valid()) return fail_call("create the table of the lists", errno);
  auto array = MappedArray::map(fd.get(), lines.size());
  if (!array) return std::unexpected(array.error());
  std::memcpy(array->as<std::byte>().data(), lines.data(), lines.size());
  return ListMap{std::move(fd), std::move(*array)};
}

// The kernel returns when every program that ran at the time of the call has ended.
Result<void> put(int maps, fw_u32 half, const UniqueFd& map) {
  const int fd = map.get();
  if (bpf_map_update_elem(maps, &half, &fd, BPF_ANY) != 0)
    return fail_call("swap the lists", errno);
  return {};
}

}  // namespace

Result<MappedArray> swap_lists(const ListMaps& maps, std::span<const std::byte> image) {
  const std::atomic_ref in_force{maps.active->lists};
  const fw_u32 former = in_force.load() & FW_LISTS_HALF;
  const fw_u32 half = former == 0 ? 1 : 0;
  MappedArray memory;
  if (image.empty()) {
    in_force.store(FW_LISTS_NONE, std::memory_order_release);
  } else {
    if (image.size() % FW_LINE_BYTES != 0 || image.size() <= kHalfBytes)
      return fail("a list image is made of whole lines, and has a header");
    auto rest = make_map(image.subspan(kHalfBytes));
    if (!rest) return std::unexpected(rest.error());
    std::memcpy(maps.v4.data() + half * kHalfBytes, image.data(), kHalfBytes);
    if (auto done = put(maps.rest, half, rest->fd); !done) return std::unexpected(done.error());
    fw_list_header header{};
    std::memcpy(&header, &image[std::size_t{FW_LIST_HEADER} * FW_LINE_BYTES], sizeof header);
    in_force.store(half | (header.is_short ? FW_LISTS_SHORT : 0), std::memory_order_release);
    // Put again only to wait for the packets that still see the former lists.
    (void)put(maps.rest, half, rest->fd);
    memory = std::move(rest->memory);
  }
  if (former < FW_LISTS_NONE) (void)bpf_map_delete_elem(maps.rest, &former);
  return memory;
}

}  // namespace fw::datapath::xdp
