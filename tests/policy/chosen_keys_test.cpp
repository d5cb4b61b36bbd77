// SPDX-License-Identifier: MIT
// Somebody who has read the code and computed sources that share one bucket, but with another seed
// than this host's: here they are spread like any others.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "policy_lab.hpp"
#include "tables/hash.h"

namespace fw::test {
namespace {

constexpr std::uint64_t kSeedOfLab = 42;
constexpr unsigned kChosen = 1000;
constexpr datapath::TableSizes kSizes{.sources = 1 << 12, .flows = 1 << 12, .bans = 1 << 10};

// Sources that all fall into the first bucket of a host with that seed.
std::vector<Address> chosen_for(std::uint64_t seed, bool v6) {
  const datapath::UserDatapath datapath(kSizes, seed);
  const fw_config& config = datapath.config();
  std::vector<Address> chosen;
  for (std::uint32_t i = 1; chosen.size() < kChosen; i++) {
    const Address address =
        v6 ? Address::parse(fmt::format("2a01:{:x}:{:x}::", i >> 16, i & 0xffff)).value()
           : Address::v4(0x0b00'0000 + i);
    const fw_addr key = key_of(address);
    // Salt 1: of rule 0 (source_table.h).
    if ((fw_hash(&config, &key, 1) & config.source_mask) == 0) chosen.push_back(address);
  }
  return chosen;
}

// How many of them the host knows after each sent a packet.
long known(const std::vector<Address>& sources) {
  Lab lab(kSizes);
  lab.limit(FW_METRIC_PACKETS, 100, kSecond);
  for (const Address& source : sources) lab.in(from(source.text()).udp(1000, 2000));
  long used = 0;
  for (const fw_source_bucket& bucket : lab.datapath.tables().sources)
    used += std::ranges::count_if(bucket.slot, [](const fw_source& one) { return one.tag != 0; });
  return used;
}

TEST(chosen_keys, share_a_bucket_with_the_seed_they_were_chosen_for_and_with_no_other) {
  for (const bool v6 : {false, true}) {
    SCOPED_TRACE(v6 ? "IPv6" : "IPv4");
    EXPECT_LE(known(chosen_for(kSeedOfLab, v6)), 8) << "they were chosen well";
    // Of a thousand random sources in a thousand buckets of four, four find theirs full.
    for (const std::uint64_t guess : {0ULL, 1ULL, 43ULL, 0xffff'ffff'ffff'ffd5ULL})
      EXPECT_GE(known(chosen_for(guess, v6)), kChosen - 30) << guess;
  }
}

}  // namespace
}  // namespace fw::test
