// SPDX-License-Identifier: MIT
// Runs the policy in the kernel on one frame at a time: BPF_PROG_RUN of the test's build of the XDP
// and tc programs. Nothing is attached. The constructing thread must stay on one CPU.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "datapath/user/user_datapath.hpp"
#include "diff/clocked.h"

struct bpf_object;
struct ring_buffer;

namespace fw::test {

class KernelSide {
 public:
  // Loads the object file. An error of kind not_permitted: this process lacks the rights. Where it
  // has them and the kernel refuses, the error has the end of libbpf's log.
  [[nodiscard]] static Result<std::unique_ptr<KernelSide>> open(const std::string& object,
                                                                datapath::TableSizes sizes);
  KernelSide(const KernelSide&) = delete;
  KernelSide& operator=(const KernelSide&) = delete;
  ~KernelSide();

  // The return value of the program, or a negative errno.
  [[nodiscard]] int ingress(std::span<const fw_u8> frame, std::uint64_t now_ns,
                            unsigned link = FW_LINK_ETHERNET);
  [[nodiscard]] int egress(std::span<const fw_u8> frame, std::uint64_t now_ns);
  // What the last ingress frame was parsed and judged to.
  [[nodiscard]] const fw_clocked& run() const { return *clocked_; }

  void publish(const fw_config& config, std::span<const fw_port_line> ports);
  [[nodiscard]] Result<void> publish_lists(std::span<const std::byte> image);
  void clear_pending(std::size_t entry_index);

  // Tables for policy.h's functions; valid while this object exists.
  [[nodiscard]] fw_env& env() { return env_; }
  [[nodiscard]] const datapath::Tables& tables() const { return tables_; }
  // A copy of this CPU's part of one of FW_CPU_TABLES.
  template <typename T>
  [[nodiscard]] std::vector<T> of_this_cpu(const char* name, std::size_t count) const;
  [[nodiscard]] fw_counters counters() const {
    return of_this_cpu<fw_counters>("counters", 1).front();
  }
  // Events since the last call.
  [[nodiscard]] const std::vector<fw_event>& take_events();
  [[nodiscard]] const std::vector<fw_sample>& take_samples();

 private:
  KernelSide() = default;
  [[nodiscard]] Result<void> load(const std::string& object, datapath::TableSizes sizes);
  template <typename T>
  [[nodiscard]] bool map(const std::string& name, std::span<T>& out);
  [[nodiscard]] int run_program(int program, std::span<const fw_u8> frame, std::uint64_t now_ns);

  bpf_object* object_ = nullptr;
  ring_buffer *ring_ = nullptr, *sample_ring_ = nullptr;
  int in_ = -1, in_ip_ = -1, out_ = -1, lists_ = -1;
  unsigned cpu_ = 0, cpus_ = 1;
  fw_clocked* clocked_ = nullptr;
  std::span<fw_active> active_;
  std::span<std::byte> list_v4_;
  std::span<fw_config> configs_;
  std::span<fw_port_line> ports_;
  std::span<fw_entry_pending> entry_pending_;  // slices, by CPU
  datapath::Tables tables_;
  std::vector<std::pair<void*, std::size_t>> mappings_;
  std::vector<fw_event> events_, taken_;
  std::vector<fw_sample> samples_, taken_samples_;
  fw_env env_{};
};

extern template std::vector<fw_entry_pending> KernelSide::of_this_cpu(const char*,
                                                                      std::size_t) const;
extern template std::vector<fw_budget_share> KernelSide::of_this_cpu(const char*,
                                                                     std::size_t) const;
extern template std::vector<fw_counters> KernelSide::of_this_cpu(const char*, std::size_t) const;
extern template std::vector<fw_cpu> KernelSide::of_this_cpu(const char*, std::size_t) const;

}  // namespace fw::test
