// SPDX-License-Identifier: MIT
#include "datapath/user/user_datapath.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace fw::datapath {

namespace {

// The second seed word from the first (SplitMix64), so that one number repeats a run.
std::uint64_t next_seed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

template <typename T>
UserDatapath::Table<T>::Table(std::size_t size) : size_(size) {
  const std::size_t bytes = (size * sizeof(T) + FW_LINE_BYTES - 1) / FW_LINE_BYTES * FW_LINE_BYTES;
  void* memory = std::aligned_alloc(FW_LINE_BYTES, bytes);
  if (memory == nullptr) throw std::bad_alloc{};
  std::memset(memory, 0, bytes);
  data_.reset(static_cast<T*>(memory));
}

UserDatapath::UserDatapath(TableSizes sizes, std::uint64_t seed)
    : sources_(sizes.sources / FW_SOURCE_WAYS),
      meters_(sizes.sources),
      flows_(sizes.flows / FW_FLOW_WAYS),
      mark_keys_(sizes.mark_slots() / FW_MARK_WAYS),
      marks_(sizes.mark_slots()),
      hits_(sizes.mark_slots()) {
  config_.seed[0] = seed;
  config_.seed[1] = next_seed(seed);
  config_.source_mask = sizes.sources / FW_SOURCE_WAYS - 1;
  config_.flow_mask = sizes.flows / FW_FLOW_WAYS - 1;
  config_.mark_mask = sizes.mark_slots() / FW_MARK_WAYS - 1;
  env_ = {.config = &config_,
          .ports = nullptr,
          .lists = nullptr,
          .list_lines = 0,
          .pad = 0,
          .sources = sources_.data(),
          .meters = meters_.data(),
          .flows = flows_.data(),
          .mark_keys = mark_keys_.data(),
          .marks = marks_.data(),
          .hits = hits_.data(),
          .counters = &counters_,
          .shared = &shared_,
          .self = this,
          .event = [](void* self, const fw_event* event) {
            static_cast<UserDatapath*>(self)->events_.push_back(*event);
          }};
}

fw_decision UserDatapath::decide(const fw_frame& frame, std::uint64_t now_ns, fw_packet& packet) {
  fw_decision decision;
  fw_policy_decide(&env_, &frame, now_ns, &packet, &decision);
  return decision;
}

void UserDatapath::note_egress(const fw_frame& frame, std::uint64_t now_ns) {
  fw_policy_note_egress(&env_, &frame, now_ns);
}

Tables UserDatapath::tables() {
  return {sources_.span(), meters_.span(), flows_.span(), mark_keys_.span(), marks_.span()};
}

Result<void> UserDatapath::publish(const fw_config& config, std::span<const fw_port_line> ports) {
  if (ports.size() != FW_PORT_LINES) return fail("the port table must have every port");
  config_ = config;
  ports_.assign(ports.begin(), ports.end());
  env_.ports = ports_.data();
  return {};
}

Result<void> UserDatapath::publish_lists(std::span<const std::byte> image) {
  if (image.size() % FW_LINE_BYTES != 0) return fail("a list image is made of whole lines");
  std::vector<Line> lines(image.size() / FW_LINE_BYTES);
  if (!image.empty()) std::memcpy(lines.data(), image.data(), image.size());
  lists_ = std::move(lines);
  env_.lists = lists_.empty() ? nullptr : reinterpret_cast<const fw_list_line*>(lists_.data());
  env_.list_lines = static_cast<fw_u32>(lists_.size());
  return {};
}

Result<void> UserDatapath::attach(const std::string& interface) {
  return fail(interface + ": this datapath is given its packets; it attaches to nothing");
}

void UserDatapath::detach(const std::string& /*interface*/) {}

std::uint64_t UserDatapath::pending_drops(std::size_t mark_index) const {
  return hits_.span()[mark_index].packets;
}

void UserDatapath::clear_pending(std::size_t mark_index) {
  hits_.span()[mark_index] = {};
}

void UserDatapath::drain_events(const std::function<void(const fw_event&)>& sink) {
  std::vector<fw_event> events = std::exchange(events_, {});
  for (const fw_event& event : events) sink(event);
}

std::uint64_t UserDatapath::memory_bytes() const {
  return sources_.span().size_bytes() + meters_.span().size_bytes() + flows_.span().size_bytes() +
         mark_keys_.span().size_bytes() + marks_.span().size_bytes() + hits_.span().size_bytes() +
         lists_.size() * FW_LINE_BYTES + ports_.size() * sizeof(fw_port_line) + sizeof config_;
}

}  // namespace fw::datapath
