// SPDX-License-Identifier: MIT
// The policy's tables in this process's memory: what UserDatapath has one reader of, and the
// NFQUEUE datapath one per queue. Zeroed and aligned to cache lines, as the kernel's are.
//
// Thread rule: the tables' own (policy/policy.h); shape and place never change.
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

// How many cells each table has; powers of two, as in config::Tables.
struct TableSizes {
  std::uint32_t sources = 0, flows = 0, bans = 0;

  // Two slots per ban: two-choice buckets of eight never fill up at half load.
  [[nodiscard]] std::uint32_t entry_slots() const { return 2 * bans; }
  [[nodiscard]] std::uint32_t entry_buckets() const { return entry_slots() / FW_ENTRY_SLOTS; }
  [[nodiscard]] std::uint32_t flow_buckets() const { return flows / FW_FLOW_SLOTS; }
  [[nodiscard]] std::uint32_t flow_filters() const {
    return (flow_buckets() + FW_FLOW_FILTER_BUCKETS - 1) / FW_FLOW_FILTER_BUCKETS;
  }
  [[nodiscard]] std::uint32_t entry_filters() const {
    return (entry_buckets() + FW_ENTRY_FILTER_BUCKETS - 1) / FW_ENTRY_FILTER_BUCKETS +
           FW_GUARD_WORDS;
  }
};

// `size` cells of zero, on cache lines. A cell takes memory once it is written, so that a process
// that judges few packets is small and quick to start; populate() takes all of it at once.
template <typename T>
class Table {
 public:
  explicit Table(std::size_t size)
      : size_(size), memory_(std::calloc(1, size * sizeof(T) + FW_LINE_BYTES)) {
    if (memory_ == nullptr) throw std::bad_alloc{};
    void* at = memory_.get();
    std::size_t room = size * sizeof(T) + FW_LINE_BYTES;
    data_ = static_cast<T*>(std::align(FW_LINE_BYTES, size * sizeof(T), at, room));
  }
  // While nobody uses it: writes zero everywhere.
  void populate() { std::memset(static_cast<void*>(data_), 0, size_ * sizeof(T)); }
  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::span<T> span() const { return {data_, size_}; }

 private:
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  std::size_t size_;
  std::unique_ptr<void, Free> memory_;
  T* data_;  // in it
};

// A configuration with its ports: what publish() swaps. A list image: what publish_lists() does.
struct PolicyImage {
  fw_config config{};
  std::vector<fw_port_line> ports;
};
struct alignas(FW_LINE_BYTES) ListLine {
  std::byte bytes[FW_LINE_BYTES];
};
using ListImage = std::vector<ListLine>;

// Checked copies of what a datapath is given to publish.
[[nodiscard]] Result<PolicyImage> policy_image(const fw_config& config,
                                               std::span<const fw_port_line> ports);
[[nodiscard]] Result<ListImage> list_image(std::span<const std::byte> image);

class UserTables {
 public:
  explicit UserTables(TableSizes sizes);

  void populate();  // all tables
  // Nothing but seeds and masks: what is in force until the first publish().
  [[nodiscard]] fw_config first_config(std::uint64_t seed) const;
  [[nodiscard]] Tables tables() {
    return {sources_.span(),    meters_.span(),       flows_.span(),         flow_filter_.span(),
            entry_keys_.span(), entry_filter_.span(), entries_.span(),       served_.span(),
            budgets_.span(),    signatures_.span(),   signature_set_.data(), &shared_};
  }
  // Fills what all readers of these tables have in common.
  void lend(fw_env& env);
  [[nodiscard]] std::uint64_t memory_bytes() const;

 private:
  Table<fw_source_bucket> sources_;
  Table<fw_meter> meters_;
  Table<fw_flow_bucket> flows_;
  Table<fw_flow_filter> flow_filter_;
  Table<fw_entry_keys> entry_keys_;
  Table<fw_entry_filter> entry_filter_;
  Table<fw_entry> entries_;
  Table<fw_port_line> served_;
  Table<fw_budget> budgets_;
  Table<fw_signature> signatures_;
  Table<fw_signature_set> signature_set_;
  fw_shared shared_{};
};

// What each reader of the tables has to itself, as each CPU does in the kernel.
class UserReader {
 public:
  // So many samples wait at most; more are lost.
  static constexpr std::size_t kMaxSamples = 8192;

  UserReader();
  void populate();  // both tables
  // Fills the reader's part of `env`; its `self` stays the caller's own.
  void lend(fw_env& env);
  void keep(const fw_sample& sample) {
    if (samples_.size() < kMaxSamples) samples_.push_back(sample);
  }
  [[nodiscard]] std::vector<fw_sample> take_samples() { return std::exchange(samples_, {}); }
  [[nodiscard]] fw_counters& counters() { return counters_; }
  [[nodiscard]] const fw_counters& counters() const { return counters_; }
  [[nodiscard]] std::span<fw_entry_pending> hits() const { return hits_.span(); }
  [[nodiscard]] std::span<fw_budget_share> shares() const { return shares_.span(); }
  [[nodiscard]] std::uint64_t memory_bytes() const;

 private:
  Table<fw_entry_pending> hits_;
  Table<fw_budget_share> shares_;
  fw_counters counters_{};
  fw_cpu cpu_{};
  std::vector<fw_sample> samples_;
};

void add(fw_counters& sum, const fw_counters& one);

void use_policy(fw_env& env, const PolicyImage& image);
void use_lists(fw_env& env, const ListImage& image);

}  // namespace fw::datapath
