// SPDX-License-Identifier: MIT
#include "datapath/xdp/maps.hpp"

#include <bpf/bpf.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "policy/abi.h"

namespace fw::datapath::xdp {

MappedArray::~MappedArray() {
  if (data_ != nullptr) munmap(data_, size_);
}

Result<MappedArray> MappedArray::map(int fd, std::size_t size_bytes) {
  void* memory = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return fail_errno("map a BPF table into memory", errno);
  MappedArray array;
  array.data_ = memory;
  array.size_ = size_bytes;
  return array;
}

Result<UniqueFd> make_list_map(std::span<const std::byte> image) {
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
  UniqueFd fd{bpf_map_create(BPF_MAP_TYPE_ARRAY, "fw_list", sizeof(fw_u32), FW_LINE_BYTES,
                             static_cast<fw_u32>(image.size() / FW_LINE_BYTES), &options)};
  if (!fd.valid()) return fail_errno("create the table of the lists", errno);
  auto array = MappedArray::map(fd.get(), image.size());
  if (!array) return std::unexpected(array.error());
  std::memcpy(array->as<std::byte>().data(), image.data(), image.size());
  return fd;
}

}  // namespace fw::datapath::xdp
