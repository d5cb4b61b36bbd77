// SPDX-License-Identifier: MIT
#include "datapath/user/tables.hpp"

#include <array>

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

Result<PolicyImage> policy_image(const fw_config& config, std::span<const fw_port_line> ports) {
  if (ports.size() != FW_PORT_LINES) return fail("the port table must have every port");
  return PolicyImage{config, {ports.begin(), ports.end()}};
}

Result<ListImage> list_image(std::span<const std::byte> image) {
  if (image.size() % FW_LINE_BYTES != 0) return fail("a list image is made of whole lines");
  ListImage lines(image.size() / FW_LINE_BYTES);
  if (!image.empty()) std::memcpy(lines.data(), image.data(), image.size());
  return lines;
}

UserTables::UserTables(TableSizes sizes)
    : sources_(sizes.sources / FW_SOURCE_SLOTS),
      meters_(sizes.sources),
      flows_(sizes.flow_buckets()),
      flow_filter_(sizes.flow_filters()),
      entry_keys_(sizes.entry_buckets()),
      entry_filter_(sizes.entry_filters()),
      entries_(sizes.entry_slots()),
      served_(FW_PORT_LINES),
      budgets_(FW_BUDGET_SLOTS),
      signatures_(FW_MAX_SIGNATURES),
      signature_set_(1) {}

void UserTables::populate() {
  sources_.populate();
  meters_.populate();
  flows_.populate();
  flow_filter_.populate();
  entry_keys_.populate();
  entry_filter_.populate();
  entries_.populate();
  served_.populate();
  budgets_.populate();
  signatures_.populate();
  signature_set_.populate();
}

fw_config UserTables::first_config(std::uint64_t seed) const {
  fw_config config{};
  config.seed[0] = seed;
  config.seed[1] = next_seed(seed);
  config.source_mask = static_cast<fw_u32>(sources_.span().size() - 1);
  config.flow_mask = static_cast<fw_u32>(flows_.span().size() - 1);
  config.entry_mask = static_cast<fw_u32>(entry_keys_.span().size() - 1);
  return config;
}

void UserTables::lend(fw_env& env) {
  env.sources = sources_.data();
  env.meters = meters_.data();
  env.flows = flows_.data();
  env.flow_filter = flow_filter_.data();
  env.entry_keys = entry_keys_.data();
  env.entry_filter = entry_filter_.data();
  env.entries = entries_.data();
  env.shared = &shared_;
  env.served = served_.data();
  env.budgets = budgets_.data();
  env.signatures = signatures_.data();
  env.signature_set = signature_set_.data();
}

std::uint64_t UserTables::memory_bytes() const {
  return sources_.span().size_bytes() + meters_.span().size_bytes() + flows_.span().size_bytes() +
         flow_filter_.span().size_bytes() + entry_keys_.span().size_bytes() +
         entry_filter_.span().size_bytes() + entries_.span().size_bytes() +
         served_.span().size_bytes() + budgets_.span().size_bytes() +
         signatures_.span().size_bytes() + sizeof(fw_signature_set) + sizeof shared_;
}

UserReader::UserReader() : hits_(FW_PENDING_SLOTS), shares_(FW_BUDGET_SLOTS) {}

void UserReader::populate() {
  hits_.populate();
  shares_.populate();
}

void UserReader::lend(fw_env& env) {
  env.hits = hits_.data();
  env.shares = shares_.data();
  env.counters = &counters_;
  env.cpu = &cpu_;
}

std::uint64_t UserReader::memory_bytes() const {
  return hits_.span().size_bytes() + shares_.span().size_bytes() + sizeof *this;
}

// They are nothing but 64-bit counts.
void add(fw_counters& sum, const fw_counters& one) {
  constexpr std::size_t kWords = sizeof(fw_counters) / sizeof(fw_u64);
  std::array<fw_u64, kWords> total{};
  std::array<fw_u64, kWords> more{};
  std::memcpy(total.data(), &sum, sizeof sum);
  std::memcpy(more.data(), &one, sizeof one);
  for (std::size_t i = 0; i < kWords; i++) total[i] += more[i];
  std::memcpy(&sum, total.data(), sizeof sum);
}

void use_policy(fw_env& env, const PolicyImage& image) {
  env.config = &image.config;
  env.ports = image.ports.empty() ? nullptr : image.ports.data();
}

void use_lists(fw_env& env, const ListImage& image) {
  env.lists = image.empty() ? nullptr : reinterpret_cast<const fw_list_line*>(image.data());
  env.list_lines = static_cast<fw_u32>(image.size());
}

}  // namespace fw::datapath
