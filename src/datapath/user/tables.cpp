// SPDX-License-Identifier: MIT
#include "datapath/user/tables.hpp"

#include <array>

namespace fw::datapath {

namespace {

// Derives the other seeds from the first one, so that one number makes a run repeatable.
// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
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

void set_masks(fw_config& config, const TableSizes& sizes) {
  config.source_mask = sizes.sources / FW_SOURCE_SLOTS - 1;
  config.flow_mask = fw_flow_buckets(&sizes) - 1;
  config.entry_mask = fw_entry_buckets(&sizes) - 1;
}

// The counts in abi/tables.h are expressions of `sizes`, a pointer.
UserTables::UserTables(const TableSizes* sizes)
#define FW_USER_TABLE(storage, name, type, count) , name##_(count)
    : sizes_(*sizes) FW_SHARED_TABLES(FW_USER_TABLE) {
#undef FW_USER_TABLE
}

void UserTables::populate(){
#define FW_USER_TABLE(storage, name, type, count) name##_.populate();
    FW_SHARED_TABLES(FW_USER_TABLE)
#undef FW_USER_TABLE
}

fw_config UserTables::first_config(std::uint64_t seed) const {
  fw_config config{};
  config.seed[0] = seed;
  config.seed[1] = next_seed(seed);
  config.challenge_seed[0] = next_seed(config.seed[1]);
  config.challenge_seed[1] = next_seed(config.challenge_seed[0]);
  set_masks(config, sizes_);
  return config;
}

Tables UserTables::tables() {
  return {
#define FW_USER_TABLE(storage, name, type, count) .name = {name##_.data(), name##_.span().size()},
      FW_SHARED_TABLES(FW_USER_TABLE)
#undef FW_USER_TABLE
  };
}

std::uint64_t UserTables::memory_bytes() const {
  std::uint64_t sum = 0;
#define FW_USER_TABLE(storage, name, type, count) sum += name##_.span().size_bytes();
  FW_SHARED_TABLES(FW_USER_TABLE)
#undef FW_USER_TABLE
  return sum;
}

UserReader::UserReader()
#define FW_READER_TABLE(storage, name, type, count) , name##_(count)
    : samples_() FW_CPU_TABLES(FW_READER_TABLE) {
#undef FW_READER_TABLE
}

void UserReader::populate() {
#define FW_READER_TABLE(storage, name, type, count) name##_.populate();
  FW_CPU_TABLES(FW_READER_TABLE)
#undef FW_READER_TABLE
}

void UserReader::fill(fw_env& env){
#define FW_READER_TABLE(storage, name, type, count) env.name = name##_.data();
    FW_CPU_TABLES(FW_READER_TABLE)
#undef FW_READER_TABLE
}

std::uint64_t UserReader::memory_bytes() const {
  std::uint64_t sum = sizeof *this;
#define FW_READER_TABLE(storage, name, type, count) sum += name##_.span().size_bytes();
  FW_CPU_TABLES(FW_READER_TABLE)
#undef FW_READER_TABLE
  return sum;
}

// fw_counters has only 64-bit counts.
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
  const auto* lines = reinterpret_cast<const fw_list_line*>(image.data());
  const bool has_lists = image.size() > FW_LIST_V4_LINES;
  env.list_v4 = has_lists ? lines : nullptr;
  env.list_rest = has_lists ? lines + FW_LIST_V4_LINES : nullptr;
  env.list_rest_lines = has_lists ? static_cast<fw_u32>(image.size() - FW_LIST_V4_LINES) : 0;
}

}  // namespace fw::datapath
