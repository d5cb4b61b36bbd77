// SPDX-License-Identifier: MIT
// The heads of an attack's packets as pcap: what came before it first, bounded, one file an attack.
#include "daemon/attack_capture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "capture/reader.hpp"
#include "harness/engine_lab.hpp"
#include "harness/packet.hpp"
#include "policy/policy.h"
#include "replay/replay.hpp"

namespace fw::test {
namespace {

using daemon::AttackCapture;

struct CaptureLab : EngineLab {
  CaptureLab() : capture(folder.path() / "state" / "attacks") {
    engine.detector().set_sample_sink([this](const fw_sample& sample) { capture.add(sample); });
    fw_budget& budget = datapath.budget(0);
    budget.used = 1;
    budget.traffic_class = FW_CLASS_UDP_NEW;
  }
  // As the datapath takes it of a frame.
  void sample(const Packet& made, unsigned link = FW_LINK_ETHERNET,
              unsigned traffic_class = FW_CLASS_OTHER) {
    const Bytes bytes = made.bytes();
    fw_sample one{};
    one.time_ns = mono_ns;
    one.link = static_cast<fw_u8>(link);
    one.traffic_class = static_cast<fw_u8>(traffic_class);
    one.head_bytes = static_cast<fw_u16>(std::min<std::size_t>(bytes.size(), sizeof one.head));
    std::memcpy(one.head, bytes.data(), one.head_bytes);
    const fw_frame frame{.data = bytes.data(),
                         .captured_bytes = static_cast<fw_u32>(bytes.size()),
                         .wire_bytes = made.wire_bytes(),
                         .link = static_cast<fw_u8>(link)};
    fw_policy_parse(&frame, &one.packet);
    datapath.samples.push_back(one);
  }
  void tick(bool wanted = true) {
    pass(std::chrono::milliseconds(100));
    capture.update(engine.detector(), wanted, now());
  }
  void flood(unsigned samples) {
    for (unsigned i = 0; i < samples; i++) sample(flood_packet());
    datapath.budget(0).refused += 1000;
    tick();
  }
  void quiet() {
    for (int i = 0; i < 110; i++) tick();
  }
  [[nodiscard]] static Packet flood_packet() {
    return Packet::ethernet().ipv4("192.0.2.66", "198.51.100.7").udp(1900, 27015).payload(900);
  }
  [[nodiscard]] static Packet ordinary_packet() {
    return Packet::ethernet().ipv4("192.0.2.1", "198.51.100.7").udp(40'000, 53).payload(20);
  }
  [[nodiscard]] std::string file() {
    const auto attacks = run("list", {"attacks"})->at("attacks");
    return attacks.empty() ? "" : attacks.back().at("capture").get<std::string>();
  }

  AttackCapture capture;
};

struct Read {
  std::vector<std::uint32_t> wire_bytes;
  std::vector<std::size_t> bytes;
  std::vector<std::uint64_t> times_ns;
};

Read read(const std::string& file) {
  Read out;
  auto reader = capture::Reader::open(file);
  if (!reader) return out;
  capture::Record record;
  for (auto more = reader->next(record); more && *more; more = reader->next(record)) {
    out.wire_bytes.push_back(record.wire_bytes);
    out.bytes.push_back(record.data.size());
    out.times_ns.push_back(record.time_ns);
  }
  return out;
}

TEST(attack_capture, holds_what_came_before_the_attack_and_what_came_of_it) {
  CaptureLab lab;
  for (int i = 0; i < 3; i++) lab.sample(CaptureLab::ordinary_packet());
  lab.tick();
  EXPECT_EQ(lab.file(), "") << "without an attack there is no file";
  lab.flood(5);
  lab.flood(7);
  const Read found = read(lab.file());
  ASSERT_EQ(found.wire_bytes.size(), 15U) << "readable while the attack lasts";
  const std::uint32_t ordinary = CaptureLab::ordinary_packet().wire_bytes();
  EXPECT_EQ(std::ranges::count(found.wire_bytes, ordinary), 3);
  EXPECT_EQ(found.wire_bytes.front(), ordinary);
  EXPECT_EQ(found.wire_bytes.back(), CaptureLab::flood_packet().wire_bytes());
  EXPECT_EQ(found.bytes.back(), std::size_t{FW_SAMPLE_HEAD_BYTES});
  const auto wall = std::chrono::duration_cast<std::chrono::nanoseconds>(
      lab.wall.time_since_epoch() - std::chrono::milliseconds(100));
  EXPECT_EQ(found.times_ns.back(), static_cast<std::uint64_t>(wall.count()));
  lab.quiet();
  EXPECT_EQ(lab.capture.problem(), "");
  EXPECT_EQ(read(lab.file()).wire_bytes.size(), 15U) << "what comes after the attack is not in it";
}

TEST(attack_capture, is_read_by_replay) {
  CaptureLab lab;
  lab.sample(CaptureLab::ordinary_packet());
  lab.flood(20);
  lab.quiet();
  replay::Job job;
  job.file = lab.file();
  job.protect = {Address::parse("198.51.100.7").value()};
  const auto report = replay::replay(job, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->damage, "");
  EXPECT_EQ(report->tally.records(), 21U);
  EXPECT_EQ(report->tally.all_passed().packets + report->tally.all_dropped().packets, 21U);
}

TEST(attack_capture, packets_without_a_link_layer_get_one) {
  CaptureLab lab;
  lab.sample(Packet::ip().ipv4("192.0.2.1", "198.51.100.7").udp(1, 53).payload(20), FW_LINK_IP);
  lab.sample(Packet::ip().ipv6("2001:db8::1", "2001:db8::7").udp(1, 53).payload(20), FW_LINK_IP);
  lab.flood(0);
  replay::Job job;
  job.file = lab.file();
  job.protect = {Address::parse("198.51.100.7").value(), Address::parse("2001:db8::7").value()};
  std::ranges::sort(job.protect);
  const auto report = replay::replay(job, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->tally.of_class(FW_CLASS_UDP_NEW).packets, 2U);
}

TEST(attack_capture, is_bounded_before_and_during_the_attack) {
  CaptureLab lab;
  for (int i = 0; i < 30; i++) {
    for (int n = 0; n < 100; n++) lab.sample(CaptureLab::ordinary_packet());
    lab.tick();
  }
  lab.flood(0);
  EXPECT_EQ(read(lab.file()).wire_bytes.size(), AttackCapture::kBefore);
  for (int i = 0; i < 300; i++) lab.flood(100);
  const std::string file = lab.file();
  lab.quiet();
  const std::size_t packets = read(file).wire_bytes.size();
  EXPECT_LE(packets, AttackCapture::kPackets);
  EXPECT_GE(packets, (AttackCapture::kPackets - AttackCapture::kBefore) / 2);
  EXPECT_EQ(lab.capture.problem(), "");
}

TEST(attack_capture, spans_the_attack_and_has_room_for_each_vector_and_for_before) {
  CaptureLab lab;
  for (int i = 0; i < 50; i++) lab.sample(CaptureLab::ordinary_packet());
  lab.tick();
  const auto began = lab.wall;
  // A minute of a flood, and in the middle of it a second one that is a fiftieth.
  Packet small = Packet::ethernet().ipv4("192.0.2.77", "198.51.100.7").udp(53, 9999).payload(400);
  for (int i = 0; i < 600; i++) {
    if (i > 300 && i < 400)
      for (int n = 0; n < 20; n++) lab.sample(small, FW_LINK_ETHERNET, FW_CLASS_UDP_REFLECTED);
    lab.flood(100);
  }
  const auto ended = lab.wall;
  lab.quiet();
  const Read found = read(lab.file());
  EXPECT_EQ(std::ranges::count(found.wire_bytes, CaptureLab::ordinary_packet().wire_bytes()), 50);
  EXPECT_GE(std::ranges::count(found.wire_bytes, small.wire_bytes()), 990)
      << "a small vector is not pushed out";
  const auto flood = CaptureLab::flood_packet().wire_bytes();
  EXPECT_GE(std::ranges::count(found.wire_bytes, flood), 4000);
  EXPECT_TRUE(std::ranges::is_sorted(found.times_ns));
  // In every tenth of the attack there are about as many.
  const auto ns = [](auto time) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
  };
  std::array<int, 10> tenths{};
  for (std::size_t i = 0; i < found.times_ns.size(); i++)
    if (found.wire_bytes[i] == flood)
      tenths.at(std::min<std::uint64_t>(
          9, (found.times_ns[i] - ns(began)) * 10 / (ns(ended) - ns(began))))++;
  const auto [least, most] = std::ranges::minmax(tenths);
  EXPECT_GT(2 * least, most) << least << " " << most;
}

TEST(attack_capture, is_whole_when_the_daemon_stops_in_the_attack) {
  CaptureLab lab;
  for (int i = 0; i < 40; i++) lab.flood(500);
  lab.capture.stop();
  const Read found = read(lab.file());
  ASSERT_FALSE(found.times_ns.empty());
  EXPECT_GE(found.times_ns.size(), 9000U);
  EXPECT_GE(found.times_ns.back() - found.times_ns.front(), 3'800'000'000U);
}

TEST(attack_capture, only_the_newest_files_are_kept) {
  CaptureLab lab;
  std::vector<std::string> files;
  for (std::size_t i = 0; i < AttackCapture::kFiles + 3; i++) {
    lab.flood(1);
    files.push_back(lab.file());
    // Older by an hour each, as they would be.
    std::filesystem::last_write_time(files.back(),
                                     std::filesystem::file_time_type::clock::now() -
                                         std::chrono::hours(1000 - static_cast<int>(i)));
    lab.quiet();
    std::filesystem::last_write_time(files.back(),
                                     std::filesystem::file_time_type::clock::now() -
                                         std::chrono::hours(1000 - static_cast<int>(i)));
  }
  for (std::size_t i = 0; i < files.size(); i++)
    EXPECT_EQ(std::filesystem::exists(files[i]), i >= 3) << i;
}

TEST(attack_capture, never_overwrites_that_of_a_former_daemon) {
  CaptureLab lab;
  const std::string former = (lab.folder.path() / "state/attacks/20260501-1.pcap").native();
  std::filesystem::create_directories(lab.folder.path() / "state/attacks");
  std::ofstream(former) << "former";
  lab.flood(2);
  EXPECT_NE(lab.file(), former);
  EXPECT_EQ(read(lab.file()).wire_bytes.size(), 2U);
  EXPECT_EQ(lab.folder.read("state/attacks/20260501-1.pcap"), "former");
}

TEST(attack_capture, switched_off_writes_nothing) {
  CaptureLab lab;
  lab.sample(CaptureLab::flood_packet());
  lab.datapath.budget(0).refused += 1000;
  lab.tick(false);
  ASSERT_TRUE(lab.engine.detector().attack());
  EXPECT_EQ(lab.file(), "");
  EXPECT_FALSE(std::filesystem::exists(lab.folder.path() / "state"));
}

TEST(attack_capture, folder_that_cannot_be_written_is_a_problem_until_it_can) {
  CaptureLab lab;
  lab.folder.write("state", "in the way");
  lab.flood(2);
  EXPECT_NE(lab.capture.problem().find("not written"), std::string::npos) << lab.capture.problem();
  EXPECT_EQ(lab.file(), "");
  lab.quiet();
  EXPECT_NE(lab.capture.problem(), "");
  std::filesystem::remove(lab.folder.path() / "state");
  lab.flood(2);
  EXPECT_EQ(lab.capture.problem(), "");
  EXPECT_EQ(read(lab.file()).wire_bytes.size(), 4U) << "with those that were held meanwhile";
}

}  // namespace
}  // namespace fw::test
