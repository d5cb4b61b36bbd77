// SPDX-License-Identifier: MIT
// The limiter that Floodwall grew out of, fact by fact, and beside each what Floodwall itself does
// with the same traffic today.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/capture.hpp"
#include "replay/replay.hpp"

namespace {

using fw::replay::Job;
using fw::replay::Report;
using fw::test::CaptureFile;
using fw::test::kSecond;
using fw::test::Packet;
using fw::test::TemporaryFolder;

constexpr const char* kHost = "192.0.2.1";
constexpr const char* kSource = "198.51.100.7";
constexpr std::uint64_t kMs = kSecond / 1000;

using Traffic = std::function<void(CaptureFile&)>;

Packet data(const std::string& from) {
  return Packet::ethernet().ipv4(from, kHost).udp(40000, 9000).payload(20);
}
Packet syn(const std::string& from) {
  return Packet::ethernet().ipv4(from, kHost).tcp(40000, 80).syn();
}

void send(CaptureFile& to, const Packet& packet, unsigned count, std::uint64_t start_ns,
          std::uint64_t gap_ns) {
  const auto bytes = packet.bytes();
  for (unsigned i = 0; i < count; ++i) to.add(start_ns + i * gap_ns, bytes, packet.wire_bytes());
}

// How many packets of the traffic pass.
std::uint64_t passed(std::string_view profile, const Traffic& traffic,
                     const std::string& both_lists = "") {
  const TemporaryFolder folder;
  CaptureFile capture(folder.path() / "test.pcap");
  traffic(capture);
  capture.close();
  Job job;
  job.file = capture.path();
  job.protect = {fw::Address::parse(kHost).value()};
  job.profile = profile;
  folder.write("floodwall.toml", "mode = \"enforce\"\n");
  folder.write("allow.list", both_lists);
  folder.write("deny.list", both_lists);
  job.config = folder.path() / "floodwall.toml";
  return fw::replay::replay(job, {}).value().tally.all_passed().packets;
}

TEST(SeedProfile, forty_packets_in_a_second_pass_and_the_next_one_is_dropped) {
  EXPECT_EQ(passed("seed", [](auto& to) { send(to, data(kSource), 40, 0, kMs); }), 40U);
  EXPECT_EQ(passed("seed", [](auto& to) { send(to, data(kSource), 41, 0, kMs); }), 40U);
}

TEST(SeedProfile, packet_without_payload_is_not_counted_but_dropped_once_its_source_is_blocked) {
  EXPECT_EQ(passed("seed",
                   [](auto& to) {
                     send(to, data(kSource), 41, 0, kMs);
                     send(to, syn(kSource), 10, 100 * kMs, kMs);
                   }),
            40U);
}

TEST(SeedProfile, block_ends_when_more_than_60_s_have_passed_since_the_last_excess) {
  const auto after = [](std::uint64_t ns) {
    return passed("seed", [ns](auto& to) {
      send(to, data(kSource), 42, 0, kMs);
      send(to, syn(kSource), 1, ns, 0);
    });
  };
  EXPECT_EQ(after(41 * kMs + 60 * kSecond), 40U);
  EXPECT_EQ(after(41 * kMs + 60 * kSecond + 1), 41U);
}

TEST(SeedProfile, window_starts_anew_for_all_sources_a_second_after_its_start) {
  // Counting starts with another source's packet, so the 40th and 41st here fall into two windows.
  EXPECT_EQ(passed("seed",
                   [](auto& to) {
                     send(to, data("203.0.113.1"), 1, 0, 0);
                     send(to, data(kSource), 40, 900 * kMs, kMs);
                     send(to, data(kSource), 40, 1000 * kMs, kMs);
                   }),
            81U);
}

TEST(SeedProfile, protected_source_is_never_counted) {
  EXPECT_EQ(passed("seed", [](auto& to) { send(to, data(kHost), 100, 0, kMs); }), 100U);
}

struct BlindSpot {
  const char* name;
  Traffic traffic;
  std::uint64_t seed, floodwall;  // packets that pass
  const char* both_lists = "";
};

// Where Floodwall's column is as high as the seed's, it has no answer yet, or needs none.
const std::vector<BlindSpot>& blind_spots() {
  static const std::vector<BlindSpot> kSpots{
      // A burst of 4 s at 100/s.
      {"10,000 SYN in 1 s", [](auto& to) { send(to, syn(kSource), 10'000, 0, kSecond / 10'000); },
       10'000, 351},
      {"40 + 40 packets around a window's edge",
       [](auto& to) {
         send(to, data("203.0.113.1"), 1, 0, 0);
         send(to, data(kSource), 40, 900 * kMs, kMs);
         send(to, data(kSource), 40, 1000 * kMs, kMs);
       },
       81, 81},
      {"100,000 forged sources",
       [](auto& to) {
         for (unsigned i = 0; i < 100'000; ++i)
           send(to, syn(fmt::format("10.{}.{}.{}", i >> 16 & 255U, i >> 8 & 255U, i & 255U)), 1,
                i * kSecond / 100'000, 0);
       },
       100'000, 160},
      // An ordinary client: the seed forwards its first 40 packets and blocks it for ever.
      {"a steady 50/s", [](auto& to) { send(to, data(kSource), 10'000, 0, 20 * kMs); }, 40, 10'000},
      {"on the deny and the allow list", [](auto& to) { send(to, data(kSource), 10, 0, kMs); }, 0,
       10, "198.51.100.7\n"},
      {"the first packet 61 s after a flood of 10 s",
       [](auto& to) {
         send(to, data(kSource), 1000, 0, 10 * kMs);
         send(to, data(kSource), 1, 71 * kSecond, 0);
       },
       41, 1001},
  };
  return kSpots;
}

TEST(SeedProfile, blind_spots_and_what_floodwall_does_with_them) {
  for (const BlindSpot& spot : blind_spots()) {
    EXPECT_EQ(passed("seed", spot.traffic, spot.both_lists), spot.seed) << spot.name;
    const auto floodwall = static_cast<double>(passed("default", spot.traffic, spot.both_lists));
    const auto wanted = static_cast<double>(spot.floodwall);
    EXPECT_NEAR(floodwall, wanted, wanted * 0.05) << spot.name;
  }
}

}  // namespace
