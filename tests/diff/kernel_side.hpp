// SPDX-License-Identifier: MIT
// The policy in the kernel, a frame at a time: BPF_PROG_RUN of the test's build of the XDP and tc
// programs. Nothing is attached anywhere. The constructing thread must stay on one CPU.
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
  // Loads the object file. An error of kind not_permitted: not here, with these rights.
  [[nodiscard]] static Result<std::unique_ptr<KernelSide>> open(const std::string& object,
                                                                datapath::TableSizes sizes);
  KernelSide(const KernelSide&) = delete;
  KernelSide& operator=(const KernelSide&) = delete;
  ~KernelSide();

  // The return value of the program, or a negative errno.
  [[nodiscard]] int ingress(std::span<const fw_u8> frame, std::uint64_t now_ns);
  [[nodiscard]] int egress(std::span<const fw_u8> frame, std::uint64_t now_ns);
  // Of the last ingress frame.
  [[nodiscard]] const fw_clocked& run() const { return *clocked_; }

  void publish(const fw_config& config, std::span<const fw_port_line> ports);
  [[nodiscard]] Result<void> publish_lists(std::span<const std::byte> image);
  void clear_pending(std::size_t entry_index);

  // Tables for policy.h's functions; valid as long as this is.
  [[nodiscard]] fw_env& env() { return env_; }
  [[nodiscard]] std::span<fw_source_bucket> sources() const { return sources_; }
  [[nodiscard]] std::span<fw_meter> meters() const { return meters_; }
  [[nodiscard]] std::span<fw_flow_bucket> flows() const { return flows_; }
  [[nodiscard]] std::span<fw_flow_filter> flow_filter() const { return flow_filter_; }
  [[nodiscard]] std::span<fw_entry_keys> entry_keys() const { return entry_keys_; }
  [[nodiscard]] std::span<fw_entry_filter> entry_filter() const { return entry_filter_; }
  [[nodiscard]] std::span<fw_entry> entries() const { return entries_; }
  [[nodiscard]] const fw_shared& shared() const { return *shared_; }
  [[nodiscard]] std::span<fw_port_line> served() const { return served_; }
  [[nodiscard]] std::span<fw_budget> budgets() const { return budgets_; }
  [[nodiscard]] std::span<fw_signature> signatures() const { return signatures_; }
  [[nodiscard]] fw_signature_set& signature_set() const { return signature_set_.front(); }
  // Of this CPU.
  [[nodiscard]] fw_counters counters() const;
  [[nodiscard]] std::vector<fw_entry_pending> hits() const;
  [[nodiscard]] std::vector<fw_budget_share> shares() const;
  // Events since the last call.
  [[nodiscard]] const std::vector<fw_event>& take_events();
  [[nodiscard]] const std::vector<fw_sample>& take_samples();

 private:
  KernelSide() = default;
  [[nodiscard]] Result<void> load(const std::string& object, datapath::TableSizes sizes);
  template <typename T>
  [[nodiscard]] bool map(const char* name, std::size_t count, std::span<T>& out);
  template <typename T>
  [[nodiscard]] std::vector<T> per_cpu(int map, std::size_t count) const;
  [[nodiscard]] int run_program(int program, std::span<const fw_u8> frame, std::uint64_t now_ns);

  bpf_object* object_ = nullptr;
  ring_buffer *ring_ = nullptr, *sample_ring_ = nullptr;
  int in_ = -1, out_ = -1, lists_ = -1, counters_ = -1, shares_ = -1;
  unsigned cpu_ = 0, cpus_ = 1;
  fw_clocked* clocked_ = nullptr;
  fw_shared* shared_ = nullptr;
  std::span<fw_active> active_;
  std::span<std::byte> list_v4_;
  std::span<fw_config> configs_;
  std::span<fw_port_line> ports_;
  std::span<fw_source_bucket> sources_;
  std::span<fw_meter> meters_;
  std::span<fw_flow_bucket> flows_;
  std::span<fw_flow_filter> flow_filter_;
  std::span<fw_entry_keys> entry_keys_;
  std::span<fw_entry_filter> entry_filter_;
  std::span<fw_entry> entries_;
  std::span<fw_entry_pending> hits_;  // those of the first CPU, then those of the next ...
  std::span<fw_port_line> served_;
  std::span<fw_budget> budgets_;
  std::span<fw_signature> signatures_;
  std::span<fw_signature_set> signature_set_;
  std::vector<std::pair<void*, std::size_t>> mappings_;
  std::vector<fw_event> events_, taken_;
  std::vector<fw_sample> samples_, taken_samples_;
  fw_env env_{};
};

}  // namespace fw::test
