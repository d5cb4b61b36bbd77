// SPDX-License-Identifier: MIT
#include "diff/pair.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "datapath/address_key.hpp"

namespace fw::test {
namespace {

constexpr int kXdpDrop = 1, kXdpPass = 2, kTcUnspec = -1;  // linux/bpf.h, linux/pkt_cls.h
constexpr std::size_t kWholeIpHeader = 14 + 40;

fw_frame frame_of(std::span<const fw_u8> frame, unsigned link = FW_LINK_ETHERNET) {
  const auto size = static_cast<fw_u32>(frame.size());
  return {.data = frame.data(),
          .captured_bytes = size,
          .wire_bytes = size,
          .link = static_cast<fw_u8>(link)};
}

// The first of `count` slots that differs.
template <typename T>
Difference slots(const char* table, const T* user, const T* kernel, std::size_t count) {
  static_assert(std::has_unique_object_representations_v<T>);
  for (std::size_t i = 0; i < count; i++)
    if (std::memcmp(&user[i], &kernel[i], sizeof(T)) != 0)
      return fmt::format("{}[{}] differs", table, i);
  return {};
}

}  // namespace

Difference Pair::ingress(std::span<const fw_u8> frame, std::uint64_t now_ns, unsigned link) {
  fw_packet packet{};
  const fw_decision user = user_.decide(frame_of(frame, link), now_ns, packet);
  const int verdict = kernel_->ingress(frame, now_ns, link);
  if (verdict < 0) return fmt::format("the kernel refused a frame: {}", std::strerror(-verdict));
  const fw_decision& kernel = kernel_->run().decision;
  reasons_[user.reason]++;
  if (verdict != (user.verdict == FW_DROP ? kXdpDrop : kXdpPass) ||
      std::memcmp(&user, &kernel, sizeof user) != 0)
    return fmt::format(
        "user: verdict {} reason {} class {} rule {}, kernel: {} (returned {}) {} {} {}",
        user.verdict, user.reason, user.traffic_class, user.rule, kernel.verdict, verdict,
        kernel.reason, kernel.traffic_class, kernel.rule);
  if (Difference found = slots("packet", &packet, &kernel_->run().packet, 1)) return found;
  return events_differ();
}

Difference Pair::egress(std::span<const fw_u8> frame, std::uint64_t now_ns) {
  const int verdict = kernel_->egress(frame, now_ns);
  // BPF_PROG_RUN makes no skb of a frame that ends before its IP header does; no stack sends one.
  if (verdict == -EINVAL && frame.size() < kWholeIpHeader) return {};
  user_.record_egress(frame_of(frame), now_ns);
  if (verdict != kTcUnspec) return fmt::format("the kernel refused a frame: {}", verdict);
  return events_differ();
}

Difference Pair::events_differ() {
  std::vector<fw_event> user;
  user_.drain_events([&](const fw_event& event) { user.push_back(event); });
  const std::vector<fw_event>& kernel = kernel_->take_events();
  events_ += user.size();
  if (user.size() != kernel.size())
    return fmt::format("{} events in user space, {} from the kernel", user.size(), kernel.size());
  if (Difference found = slots("event", user.data(), kernel.data(), user.size())) return found;
  std::vector<fw_sample> in_user;
  user_.drain_samples([&](const fw_sample& sample) { in_user.push_back(sample); });
  const std::vector<fw_sample>& in_kernel = kernel_->take_samples();
  samples_ += in_user.size();
  if (in_user.size() != in_kernel.size())
    return fmt::format("{} samples in user space, {} from the kernel", in_user.size(),
                       in_kernel.size());
  return slots("sample", in_user.data(), in_kernel.data(), in_user.size());
}

Difference Pair::tables() {
  const datapath::Tables user = user_.tables();
  const datapath::Tables& kernel = kernel_->tables();
#define FW_COMPARE(storage, name, type, count)                                           \
  if (auto found = slots(#name, user.name.data(), kernel.name.data(), user.name.size())) \
    return found;
  FW_SHARED_TABLES(FW_COMPARE)
#undef FW_COMPARE
#define FW_COMPARE(storage, name, type, count)                                                    \
  if (auto found =                                                                                \
          slots(#name, user_.env().name, kernel_->of_this_cpu<type>(#name, count).data(), count)) \
    return found;
  FW_CPU_TABLES(FW_COMPARE)
#undef FW_COMPARE
  return {};
}

Difference Pair::publish(fw_config config, std::span<const fw_port_line> ports) {
  const fw_config& old = user_.config();
  std::copy(std::begin(old.seed), std::end(old.seed), config.seed);
  config.source_mask = old.source_mask;
  config.flow_mask = old.flow_mask;
  config.entry_mask = old.entry_mask;
  if (auto done = user_.publish(config, ports); !done) return done.error().message;
  kernel_->publish(user_.config(), ports);
  return {};
}

Difference Pair::publish_lists(std::span<const std::byte> image) {
  if (auto done = user_.publish_lists(image); !done) return done.error().message;
  if (auto done = kernel_->publish_lists(image); !done)
    return "the kernel refused: " + done.error().message;
  return {};
}

Difference Pair::put(const fw_entry& entry, std::uint64_t now_ns) {
  const fw_s32 user = fw_policy_entry_put(&user_.env(), &entry, now_ns);
  const fw_s32 kernel = fw_policy_entry_put(&kernel_->env(), &entry, now_ns);
  if (user != kernel) return fmt::format("an entry is put at {} and {}", user, kernel);
  if (user < 0) return {};
  user_.clear_pending(static_cast<std::size_t>(user));
  kernel_->clear_pending(static_cast<std::size_t>(user));
  return {};
}

void Pair::set_signature(std::size_t index, const fw_signature& signature, fw_u32 classes) {
  user_.tables().signatures[index] = kernel_->tables().signatures[index] = signature;
  for (unsigned traffic_class = 0; traffic_class < FW_CLASS_COUNT; traffic_class++) {
    const fw_u64 bit = 1ULL << index;
    fw_u64& active = user_.tables().signature_set->active[traffic_class];
    active = classes >> traffic_class & 1 ? active | bit : active & ~bit;
    kernel_->tables().signature_set->active[traffic_class] = active;
  }
}

void Pair::set_served(std::size_t port, fw_u8 flags) {
  user_.tables().served[port / FW_LINE_BYTES].value[port % FW_LINE_BYTES] = flags;
  kernel_->tables().served[port / FW_LINE_BYTES].value[port % FW_LINE_BYTES] = flags;
}

void Pair::restrict(fw_u32 cost, std::uint64_t until_ns) {
  for (const datapath::Tables& tables : {user_.tables(), kernel_->tables()}) {
    for (fw_capacity& capacity : tables.capacities) {
      capacity.cost = cost;
      capacity.until_ms = static_cast<fw_u32>(until_ns >> 20);
    }
    tables.shared[0].restricted_until_window = static_cast<fw_u32>(until_ns >> FW_WINDOW_SHIFT);
  }
}

void Pair::establish(const Address& remote, unsigned remote_port, const Address& local,
                     unsigned local_port, std::uint64_t now_ns) {
  for (fw_env* env : {&user_.env(), &kernel_->env()})
    fw_policy_flow_establish(env, key_of(remote), static_cast<fw_u16>(remote_port), key_of(local),
                             static_cast<fw_u16>(local_port), FW_IPPROTO_TCP, now_ns);
}

void Pair::erase(std::size_t entry_index) {
  fw_policy_entry_erase(&user_.env(), static_cast<fw_u32>(entry_index));
  fw_policy_entry_erase(&kernel_->env(), static_cast<fw_u32>(entry_index));
}

}  // namespace fw::test
