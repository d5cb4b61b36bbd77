// SPDX-License-Identifier: MIT
#include "datapath/xdp/maps.hpp"

#include <sys/mman.h>

#include <cerrno>

#include "datapath/xdp/transient.hpp"

namespace fw::datapath::xdp {

MappedArray::~MappedArray() {
  if (data_ != nullptr) munmap(data_, size_);
}

Result<MappedArray> MappedArray::map(int fd, std::size_t size_bytes) {
  void* memory = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return fail_call("map a BPF table into memory", errno);
  MappedArray array;
  array.data_ = memory;
  array.size_ = size_bytes;
  return array;
}

}  // namespace fw::datapath::xdp
