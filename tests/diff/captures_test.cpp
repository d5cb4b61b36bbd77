// SPDX-License-Identifier: MIT
// Every Ethernet frame of the shared captures, judged by both sides. The captures are in the folder
// beside the project, or in FLOODWALL_CAPTURES; with CI=true they must be there.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "capture/reader.hpp"
#include "diff/open_pair.hpp"

namespace fw::test {
namespace {

constexpr std::uint16_t kEthernet = 1;
constexpr std::size_t kMinFrame = 15, kMaxFrame = 3400;  // what BPF_PROG_RUN takes

std::filesystem::path captures_folder() {
  const char* named = std::getenv("FLOODWALL_CAPTURES");
  return named != nullptr ? std::filesystem::path(named)
                          : std::filesystem::path(SOURCE_FOLDER) / "../shared/captures";
}

// Low limits, so that ordinary traffic reaches every stage.
Difference publish(Pair& pair) {
  fw_config config{};
  config.mode = FW_MODE_ENFORCE;
  config.source_bits_v6 = 64;
  config.lengths_v4 = 1;
  config.lengths_v6 = 2;
  config.prefix_bits_v4[0] = config.prefix_bits_v6[0] = 128;
  config.prefix_bits_v6[1] = 64;
  config.bans_cost = 1000;
  config.bans_burst = 1U << 29;
  for (fw_limit& limit : config.rule[0].limit)
    limit = {.cost_q8 = 16'000'000'000ULL / 50,
             .burst = 1U << 25,
             .ban_above = 200,
             .limit_above = 54,
             .peers = 1};
  config.rule[0].ban_ms = 2000;
  return pair.publish(config, std::vector<fw_port_line>(FW_PORT_LINES));
}

// A damaged file is read up to the damage.
Difference compare(Pair& pair, const std::filesystem::path& file, std::uint64_t& frames) {
  auto reader = capture::Reader::open(file.string());
  if (!reader) return {};
  capture::Record record;
  while (reader->next(record).value_or(false)) {
    if (record.link_type != kEthernet || record.data.size() < kMinFrame) continue;
    const std::span<const fw_u8> frame{reinterpret_cast<const fw_u8*>(record.data.data()),
                                       std::min(record.data.size(), kMaxFrame)};
    frames++;
    if (Difference found = pair.ingress(frame, record.time_ns)) return found;
    if (record.index % 4 != 0) continue;
    if (Difference found = pair.egress(frame, record.time_ns)) return found;
  }
  return pair.tables();
}

TEST(policy_diff, kernel_and_user_space_agree_on_every_frame_of_the_captures) {
  const std::filesystem::path folder = captures_folder();
  if (!std::filesystem::is_directory(folder)) {
    if (may_not_skip("CI") || may_not_skip()) FAIL() << "no captures in " << folder;
    GTEST_SKIP() << "no captures in " << folder;
  }
  const auto pair = open_pair("clocked");
  if (!pair) return;
  const Difference published = publish(*pair);
  ASSERT_FALSE(published) << *published;
  std::uint64_t files = 0, frames = 0;
  for (const char* part : {"attack", "benign", "odd"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / part)) {
      if (!entry.is_regular_file()) continue;
      const Difference found = compare(*pair, entry.path(), frames);
      ASSERT_FALSE(found) << entry.path() << ": " << *found;
      files++;
    }
  }
  EXPECT_GT(frames, 100'000U);
  std::printf("%llu frames of %llu files\n", static_cast<unsigned long long>(frames),
              static_cast<unsigned long long>(files));
}

}  // namespace
}  // namespace fw::test
