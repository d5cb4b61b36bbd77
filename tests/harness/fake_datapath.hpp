// SPDX-License-Identifier: MIT
// A datapath that attaches to nothing: a test reads what the engine publishes, and makes bans and
// events itself. Entries are put and found by the policy's own functions.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "datapath/address_key.hpp"
#include "datapath/user/tables.hpp"
#include "harness/list_find.h"

namespace fw::test {

class FakeDatapath : public datapath::Datapath {
 public:
  explicit FakeDatapath(std::size_t entry_buckets = 16'384)
      : tables_({.sources = 4 * FW_SOURCE_SLOTS,
                 .flows = 4 * FW_FLOW_SLOTS,
                 .bans = static_cast<fw_u32>(entry_buckets * FW_ENTRY_SLOTS / 2)}),
        config_(tables_.first_config(0x1234'5678'9abc'def0ULL)) {}

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
  std::uint64_t now = 0;  // of access()
  bool has_former = false;
  std::vector<fw_entry> former;

  [[nodiscard]] fw_budget& budget(std::size_t index) { return tables().budgets[index]; }

  // Puts a ban and reports it, as the policy does.
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

  // Finds an entry by the policy's look-up; null if there is none.
  fw_entry* find(const Prefix& prefix, std::uint8_t kind) {
    fw_env environment = env();
    const fw_s32 index = fw_policy_entry_find(&environment, key_of(prefix.address),
                                              static_cast<fw_u8>(prefix.bits), kind);
    return index < 0 ? nullptr : &tables().entries[static_cast<std::size_t>(index)];
  }
  bool in_force(const Prefix& prefix, std::uint8_t kind, std::uint64_t now_ns) {
    const fw_entry* entry = find(prefix, kind);
    return entry != nullptr && entry->until_ns > now_ns;
  }
  void put(const fw_entry& entry, std::uint64_t now_ns) {
    fw_env environment = env();
    fw_policy_entry_put(&environment, &entry, now_ns);
  }
  // Erases all entries without the engine's knowledge.
  void wipe_entries() {
    std::ranges::fill(tables().entry_keys, fw_entry_keys{});
    std::ranges::fill(tables().entry_filter, fw_entry_filter{});
    std::ranges::fill(tables().entries, fw_entry{});
  }
  std::size_t index_of(const fw_entry* entry) {
    return static_cast<std::size_t>(entry - tables().entries.data());
  }

  [[nodiscard]] std::string kind() const override { return "fake"; }
  [[nodiscard]] datapath::Tables tables() override { return tables_.tables(); }
  [[nodiscard]] bool has_former_entries() const override { return has_former; }
  [[nodiscard]] std::vector<fw_entry> former_entries() const override { return former; }
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
  void drain_samples(const std::function<void(const fw_sample&)>& sink) override {
    for (; !samples.empty(); samples.pop_front()) sink(samples.front());
  }
  [[nodiscard]] std::uint64_t memory_bytes() const override { return tables_.memory_bytes(); }

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
    const datapath::ListImage lines = datapath::list_image(image).value();
    fw_u32 looked_at = 0;
    return list_find(lines.empty() ? nullptr : lines.data(), static_cast<fw_u32>(lines.size()),
                     key_of(address), &looked_at);
  }
  [[nodiscard]] fw_reason access(const Address& source) override {
    const datapath::ListImage lines = datapath::list_image(image).value();
    fw_env environment = env();
    datapath::use_lists(environment, lines);
    return fw_policy_access(&environment, key_of(source), now);
  }

 private:
  fw_env env() {
    fw_env environment = tables_.tables().env(config_);
    reader_.fill(environment);
    environment.counters = &counts;
    return environment;
  }

  datapath::UserTables tables_;
  datapath::UserReader reader_;
  fw_config config_;
};

}  // namespace fw::test
