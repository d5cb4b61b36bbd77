// SPDX-License-Identifier: MIT
#include "datapath/user/user_datapath.hpp"

#include <utility>

#include "datapath/address_key.hpp"

namespace fw::datapath {

UserDatapath::UserDatapath(TableSizes sizes, std::uint64_t seed) : tables_(sizes) {
  policy_.config = tables_.first_config(seed);
  env_ = tables_.tables().env(policy_.config);
  reader_.fill(env_);
  env_.self = this;
  env_.event = [](void* self, const fw_event* event) {
    static_cast<UserDatapath*>(self)->events_.push_back(*event);
  };
  env_.sample = [](void* self, const fw_sample* sample) {
    static_cast<UserDatapath*>(self)->reader_.queue_sample(*sample);
  };
}

fw_decision UserDatapath::decide(const fw_frame& frame, std::uint64_t now_ns, fw_packet& packet) {
  fw_decision decision{};
  fw_policy_decide(&env_, &frame, now_ns, &packet, &decision);
  return decision;
}

void UserDatapath::record_egress(const fw_frame& frame, std::uint64_t now_ns) {
  fw_policy_record_egress(&env_, &frame, now_ns);
}

Result<void> UserDatapath::publish(const fw_config& config, std::span<const fw_port_line> ports) {
  Result<PolicyImage> image = policy_image(config, ports);
  if (!image) return std::unexpected(image.error());
  policy_ = std::move(*image);
  use_policy(env_, policy_);
  return {};
}

Result<void> UserDatapath::publish_lists(std::span<const std::byte> image) {
  Result<ListImage> lines = list_image(image);
  if (!lines) return std::unexpected(lines.error());
  lists_ = std::move(*lines);
  use_lists(env_, lists_);
  return {};
}

fw_reason UserDatapath::access(const Address& source) {
  return fw_policy_access(&env_, key_of(source), now_ns_);
}

Result<void> UserDatapath::attach(const std::string& interface) {
  return fail(interface +
              ": this datapath attaches to no interface: its owner passes packets to it");
}

void UserDatapath::detach(const std::string& /*interface*/) {}

std::uint64_t UserDatapath::pending_drops(std::size_t entry_index) const {
  return fw_policy_pending(reader_.entry_pending_table().data(), static_cast<fw_u32>(entry_index));
}

void UserDatapath::clear_pending(std::size_t entry_index) {
  fw_policy_forget_pending(reader_.entry_pending_table().data(), static_cast<fw_u32>(entry_index));
}

void UserDatapath::drain_events(const std::function<void(const fw_event&)>& sink) {
  std::vector<fw_event> events = std::exchange(events_, {});
  for (const fw_event& event : events) sink(event);
}

void UserDatapath::drain_samples(const std::function<void(const fw_sample&)>& sink) {
  for (const fw_sample& sample : reader_.take_samples()) sink(sample);
}

std::uint64_t UserDatapath::memory_bytes() const {
  return tables_.memory_bytes() + reader_.memory_bytes() + lists_.size() * FW_LINE_BYTES +
         policy_.ports.size() * sizeof(fw_port_line) + sizeof policy_.config;
}

}  // namespace fw::datapath
