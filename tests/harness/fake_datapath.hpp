// SPDX-License-Identifier: MIT
// A datapath of plain vectors: what the engine publishes can be looked at, and a test plays the
// policy's part by hand (ban, renew). Entries go through the policy's own functions.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "datapath/address_key.hpp"
#include "datapath/datapath.hpp"
#include "policy/policy.h"

namespace fw::test {

class FakeDatapath : public datapath::Datapath {
 public:
  explicit FakeDatapath(std::size_t entry_buckets = 16'384)
      : sources_(4),
        meters_(16),
        flows_(4),
        flow_filter_(1),
        keys_(entry_buckets),
        filter_((entry_buckets + FW_ENTRY_FILTER_BUCKETS - 1) / FW_ENTRY_FILTER_BUCKETS +
                FW_GUARD_WORDS),
        entries_(entry_buckets * FW_ENTRY_SLOTS),
        hits_(FW_PENDING_SLOTS) {
    config_.seed[0] = 0x1234'5678'9abc'def0ULL;
    config_.seed[1] = 0x0fed'cba9'8765'4321ULL;
    config_.source_mask = 3;
    config_.flow_mask = 3;
    config_.entry_mask = static_cast<fw_u32>(entry_buckets - 1);
  }

  // What a test sets or reads.
  int publishes = 0, list_publishes = 0;
  std::optional<Error> publish_error;  // the next publish fails with it
  std::vector<std::byte> image;
  std::vector<datapath::InterfaceStatus> statuses{
      {.name = "up0", .attachment = datapath::Attachment::native, .egress = true, .problem = ""}};
  fw_counters counts{};
  std::deque<fw_event> events;
  std::deque<fw_sample> samples;
  std::map<std::size_t, std::uint64_t> pending;

  [[nodiscard]] fw_budget& budget(std::size_t index) { return budgets_[index]; }

  // As the policy does it: puts a ban and reports it.
  void ban(const Prefix& prefix, std::uint64_t now_ns, std::uint32_t hold_ms,
           const fw_event& details) {
    fw_entry entry{};
    entry.addr = key_of(prefix.address);
    entry.prefix_bits = static_cast<fw_u8>(prefix.bits);
    entry.kind = FW_ENTRY_BAN;
    entry.since_ns = now_ns;
    entry.until_ns = now_ns + hold_ms * 1'000'000ULL;
    entry.hold_ms = hold_ms;
    entry.ban_above = details.limit;
    entry.rule = details.rule;
    entry.metric = details.metric;
    fw_env environment = env();
    fw_policy_entry_put(&environment, &entry, now_ns);
    fw_event event = details;
    event.kind = FW_EVENT_BAN;
    event.time_ns = now_ns;
    event.src = entry.addr;
    event.prefix_bits = entry.prefix_bits;
    events.push_back(event);
  }

  // By the policy's own look-up; null if there is none.
  fw_entry* find(const Prefix& prefix, std::uint8_t kind) {
    fw_env environment = env();
    const fw_s32 index = fw_policy_entry_find(&environment, key_of(prefix.address),
                                              static_cast<fw_u8>(prefix.bits), kind);
    return index < 0 ? nullptr : &entries_[static_cast<std::size_t>(index)];
  }
  bool in_force(const Prefix& prefix, std::uint8_t kind, std::uint64_t now_ns) {
    const fw_entry* entry = find(prefix, kind);
    return entry != nullptr && entry->until_ns > now_ns;
  }
  void put(const fw_entry& entry, std::uint64_t now_ns) {
    fw_env environment = env();
    fw_policy_entry_put(&environment, &entry, now_ns);
  }
  // Behind the engine's back.
  void wipe_entries() {
    std::ranges::fill(keys_, fw_entry_keys{});
    std::ranges::fill(filter_, fw_entry_filter{});
    std::ranges::fill(entries_, fw_entry{});
  }
  std::size_t index_of(const fw_entry* entry) const {
    return static_cast<std::size_t>(entry - entries_.data());
  }

  [[nodiscard]] std::string kind() const override { return "fake"; }
  [[nodiscard]] datapath::Tables tables() override {
    return {.sources = sources_,
            .meters = meters_,
            .flows = flows_,
            .flow_filter = flow_filter_,
            .entry_keys = keys_,
            .entry_filter = filter_,
            .entries = entries_,
            .served = served_,
            .budgets = budgets_,
            .signatures = signatures_,
            .signature_set = &signature_set_,
            .shared = &shared_};
  }
  [[nodiscard]] std::uint64_t now_ns() const override { return 0; }
  [[nodiscard]] const fw_config& config() const override { return config_; }
  [[nodiscard]] Result<void> publish(const fw_config& config,
                                     std::span<const fw_port_line> ports) override {
    if (publish_error) {
      const Error error = *std::exchange(publish_error, std::nullopt);
      return std::unexpected(error);
    }
    if (ports.size() != FW_PORT_LINES) return fail("the port table has the wrong size");
    config_ = config;
    ++publishes;
    return {};
  }
  [[nodiscard]] Result<void> publish_lists(std::span<const std::byte> bytes) override {
    image.assign(bytes.begin(), bytes.end());
    ++list_publishes;
    return {};
  }
  [[nodiscard]] Result<void> attach(const std::string&) override { return {}; }
  void detach(const std::string&) override {}
  [[nodiscard]] std::vector<datapath::InterfaceStatus> interfaces() const override {
    return statuses;
  }
  void remove() override { statuses.clear(); }
  [[nodiscard]] fw_counters counters() const override { return counts; }
  [[nodiscard]] std::uint64_t pending_drops(std::size_t index) const override {
    const auto at = pending.find(index);
    return at == pending.end() ? 0 : at->second;
  }
  void clear_pending(std::size_t index) override { pending.erase(index); }
  void drain_events(const std::function<void(const fw_event&)>& sink) override {
    for (; !events.empty(); events.pop_front()) sink(events.front());
  }
  [[nodiscard]] int event_fd() const override { return -1; }
  void drain_samples(const std::function<void(const fw_sample&)>& sink) override {
    for (; !samples.empty(); samples.pop_front()) sink(samples.front());
  }
  [[nodiscard]] std::uint64_t memory_bytes() const override { return entries_.size() * 64; }

  // Lets the policy judge one frame.
  fw_decision decide(std::span<const std::uint8_t> frame, std::uint64_t now_ns) {
    fw_env environment = env();
    const auto bytes = static_cast<fw_u32>(frame.size());
    const fw_frame arrived{.data = frame.data(),
                           .captured_bytes = bytes,
                           .wire_bytes = bytes,
                           .link = FW_LINK_ETHERNET};
    fw_packet packet{};
    fw_decision decision{};
    fw_policy_decide(&environment, &arrived, now_ns, &packet, &decision);
    return decision;
  }

  // Is the address denied (bit 0) or allowed (bit 1) by the image in force?
  [[nodiscard]] fw_u32 listed(const Address& address) {
    // A line is aligned to its size, as the policy expects it.
    std::vector<fw_list_line> lines(image.size() / FW_LINE_BYTES);
    for (std::size_t i = 0; i < image.size(); ++i)
      lines[i / FW_LINE_BYTES].byte[i % FW_LINE_BYTES] = static_cast<fw_u8>(image[i]);
    fw_env environment = env();
    environment.lists = lines.empty() ? nullptr : lines.data();
    environment.list_lines = static_cast<fw_u32>(lines.size());
    return fw_policy_list_find(&environment, key_of(address));
  }

 private:
  fw_env env() {
    fw_env environment{};
    environment.config = &config_;
    environment.sources = sources_.data();
    environment.meters = meters_.data();
    environment.flows = flows_.data();
    environment.flow_filter = flow_filter_.data();
    environment.hits = hits_.data();
    environment.counters = &counts;
    environment.shared = &shared_;
    environment.entry_keys = keys_.data();
    environment.entry_filter = filter_.data();
    environment.entries = entries_.data();
    return environment;
  }

  fw_config config_{};
  std::vector<fw_source_bucket> sources_;
  std::vector<fw_meter> meters_;
  std::vector<fw_flow_bucket> flows_;
  std::vector<fw_flow_filter> flow_filter_;
  std::vector<fw_entry_keys> keys_;
  std::vector<fw_entry_filter> filter_;
  std::vector<fw_entry> entries_;
  std::vector<fw_port_line> served_{FW_PORT_LINES};
  std::vector<fw_budget> budgets_{FW_BUDGET_SLOTS};
  std::vector<fw_signature> signatures_{FW_MAX_SIGNATURES};
  fw_signature_set signature_set_{};
  std::vector<fw_entry_pending> hits_;
  fw_shared shared_{};
};

}  // namespace fw::test
