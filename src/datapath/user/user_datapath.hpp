// SPDX-License-Identifier: MIT
// The policy in this process, with tables of its own, for replay and tests. The owner passes
// packets to decide() and record_egress(), with their time.
#pragma once

#include <vector>

#include "datapath/user/tables.hpp"

namespace fw::datapath {

class UserDatapath final : public Datapath {
 public:
  // `seed` keys the tables' hashes: random, or fixed where a run must be repeatable.
  UserDatapath(TableSizes sizes, std::uint64_t seed);

  // Judges one frame that arrived at `now_ns`. Time may stand still or step back.
  fw_decision decide(const fw_frame& frame, std::uint64_t now_ns, fw_packet& packet);
  // Records one frame that was sent.
  void record_egress(const fw_frame& frame, std::uint64_t now_ns);
  // From now on frames are those of a capture. A dropped packet had reached the host all the same,
  // so it begins a flow. A SYN above its budget has the reason `challenge` where the XDP program
  // would answer it by a SYN cookie; nothing is sent.
  void judge_capture() { env_.is_past = 1; }
  // Sets what now_ns() returns.
  void set_now(std::uint64_t now_ns) { now_ns_ = now_ns; }
  // The tables as the policy sees them.
  [[nodiscard]] fw_env& env() { return env_; }

  [[nodiscard]] std::string kind() const override { return "user"; }
  [[nodiscard]] Tables tables() override { return tables_.tables(); }
  [[nodiscard]] std::uint64_t now_ns() const override { return now_ns_; }
  [[nodiscard]] const fw_config& config() const override { return policy_.config; }
  [[nodiscard]] Result<void> publish(const fw_config& config,
                                     std::span<const fw_port_line> ports) override;
  [[nodiscard]] Result<void> publish_lists(std::span<const std::byte> image) override;
  [[nodiscard]] fw_reason access(const Address& source) override;
  [[nodiscard]] Result<void> attach(const std::string& interface) override;
  void detach(const std::string& interface) override;
  [[nodiscard]] std::vector<InterfaceStatus> interfaces() const override { return {}; }
  void remove() override {}
  [[nodiscard]] fw_counters counters() const override { return reader_.counters(); }
  [[nodiscard]] std::uint64_t pending_drops(std::size_t entry_index) const override;
  void clear_pending(std::size_t entry_index) override;
  void drain_events(const std::function<void(const fw_event&)>& sink) override;
  void drain_samples(const std::function<void(const fw_sample&)>& sink) override;
  [[nodiscard]] std::uint64_t memory_bytes() const override;

 private:
  UserTables tables_;
  UserReader reader_;
  PolicyImage policy_;
  ListImage lists_;
  std::vector<fw_event> events_;
  std::uint64_t now_ns_ = 0;
  fw_env env_{};
};

}  // namespace fw::datapath
