// SPDX-License-Identifier: MIT
// The policy's tables in this process's memory. UserTables are shared by all readers of packets; a
// UserReader has what the kernel has per CPU. UserDatapath has one reader, NFQUEUE one per queue.
//
// Thread rule: that of policy/policy.h. Sizes and addresses never change.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "datapath/datapath.hpp"
#include "policy/policy.h"

namespace fw::datapath {

using TableSizes = fw_table_sizes;

// Sets the masks of `config` that follow from the sizes.
void set_masks(fw_config& config, const TableSizes& sizes);

// `size` zeroed slots, aligned to cache lines. A page takes memory when it is first written, so
// that a process that judges few packets starts quickly and stays small; populate() takes all of
// it.
template <typename T>
class Table {
 public:
  explicit Table(std::size_t size)
      : size_(size), memory_(std::calloc(1, size * sizeof(T) + FW_LINE_BYTES)) {
    if (memory_ == nullptr) throw std::bad_alloc{};
    void* at = memory_.get();
    std::size_t space = size * sizeof(T) + FW_LINE_BYTES;
    data_ = static_cast<T*>(std::align(FW_LINE_BYTES, size * sizeof(T), at, space));
  }
  // Writes zero to all slots. Nobody else may use the table meanwhile.
  void populate() { std::memset(static_cast<void*>(data_), 0, size_ * sizeof(T)); }
  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::span<T> span() const { return {data_, size_}; }

 private:
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::size_t size_;
  std::unique_ptr<void, Free> memory_;
  T* data_;  // in memory_
};

// What publish() swaps: a configuration with its ports. What publish_lists() swaps: a list image.
struct PolicyImage {
  fw_config config{};
  std::vector<fw_port_line> ports;
};
struct alignas(FW_LINE_BYTES) ListLine {
  std::byte bytes[FW_LINE_BYTES];
};
using ListImage = std::vector<ListLine>;

// Checked copies of the arguments of publish() and publish_lists().
[[nodiscard]] Result<PolicyImage> policy_image(const fw_config& config,
                                               std::span<const fw_port_line> ports);
[[nodiscard]] Result<ListImage> list_image(std::span<const std::byte> image);

class UserTables {
 public:
  explicit UserTables(TableSizes configured) : UserTables(&configured) {}

  void populate();  // all tables
  // The configuration until the first publish(): only seeds and masks are set.
  [[nodiscard]] fw_config first_config(std::uint64_t seed) const;
  [[nodiscard]] Tables tables();
  [[nodiscard]] std::uint64_t memory_bytes() const;

 private:
  explicit UserTables(const TableSizes* sizes);

  TableSizes sizes_;
#define FW_USER_TABLE(storage, name, type, count) Table<type> name##_;
  FW_SHARED_TABLES(FW_USER_TABLE)
#undef FW_USER_TABLE
};

// The tables that each reader of packets has for itself, as each CPU has in the kernel.
class UserReader {
 public:
  // At most so many samples are pending; further ones are lost. Judgement: seconds of samples.
  static constexpr std::size_t kMaxSamples = 8192;

  UserReader();
  void populate();
  // Sets the reader's part of `env`; not `self`.
  void fill(fw_env& env);
  void queue_sample(const fw_sample& sample) {
    if (samples_.size() < kMaxSamples) samples_.push_back(sample);
  }
  [[nodiscard]] std::vector<fw_sample> take_samples() { return std::exchange(samples_, {}); }
  [[nodiscard]] fw_counters& counters() { return *counters_.data(); }
  [[nodiscard]] const fw_counters& counters() const { return *counters_.data(); }
#define FW_READER_TABLE(storage, name, type, count) \
  [[nodiscard]] std::span<type> name##_table() const { return name##_.span(); }
  FW_CPU_TABLES(FW_READER_TABLE)
#undef FW_READER_TABLE
  [[nodiscard]] std::uint64_t memory_bytes() const;

 private:
  std::vector<fw_sample> samples_;
#define FW_READER_MEMBER(storage, name, type, count) Table<type> name##_;
  FW_CPU_TABLES(FW_READER_MEMBER)
#undef FW_READER_MEMBER
};

// Adds `one` to `sum`, counter by counter.
void add(fw_counters& sum, const fw_counters& one);

// Point `env` to a configuration and to lists, which it borrows.
void use_policy(fw_env& env, const PolicyImage& image);
void use_lists(fw_env& env, const ListImage& image);

}  // namespace fw::datapath
