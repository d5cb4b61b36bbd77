// SPDX-License-Identifier: MIT
// Ten million spoofed sources (a million under sanitizers): verified peers stay verified and keep
// their slots, bans stay in force, and memory does not grow.
#include <gtest/gtest.h>

#include <random>

#include "policy_lab.hpp"

namespace fw::test {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::uint32_t kSources = 1'000'000;
#else
constexpr std::uint32_t kSources = 10'000'000;
#endif
constexpr unsigned kPeers = 500, kBans = 1000;

void set_be32(Bytes& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; i++) bytes[at + i] = static_cast<fw_u8>(value >> (24 - 8 * i));
}

std::string peer(unsigned i) {
  return "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
}
std::string banned(unsigned i) {
  return "10.2." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
}

fw_frame frame_of(const Bytes& bytes) {
  const auto size = static_cast<fw_u32>(bytes.size());
  return {
      .data = bytes.data(), .captured_bytes = size, .wire_bytes = size, .link = FW_LINK_ETHERNET};
}

TEST(flood, of_spoofed_sources_displaces_no_verified_peer_and_no_ban) {
  Lab lab({.sources = 1 << 16, .flows = 1 << 16, .bans = 1 << 12});
  lab.limit(FW_METRIC_PACKETS, 100, kSecond, 200);
  for (unsigned i = 0; i < kPeers; i++) lab.handshake(peer(i));
  for (unsigned i = 0; i < kBans; i++) ASSERT_GE(lab.entry(FW_ENTRY_BAN, banned(i), FW_FOREVER), 0);
  const std::uint64_t memory = lab.datapath.memory_bytes();

  Bytes forged[] = {
      from("1.2.3.4").tcp(1024, 80).syn().bytes(), from("1.2.3.4").tcp(1024, 80).ack(77).bytes(),
      from("1.2.3.4").udp(1024, 80).payload(20).bytes(), from("1.2.3.4").icmp_echo(7, 7).bytes()};
  Bytes answer = to("1.2.3.4").tcp(80, 1024).flags(kSyn).seq(5).ack(6).bytes();
  std::mt19937 random(1);
  std::uint64_t dropped = 0;
  for (std::uint32_t i = 0; i < kSources; i++) {
    const std::uint32_t source = 0x14000000 + static_cast<std::uint32_t>(random() % 0x60000000);
    Bytes& bytes = forged[i % 4];
    set_be32(bytes, 26, source);
    dropped += lab.datapath.decide(frame_of(bytes), lab.now_ns, lab.packet).verdict == FW_DROP;
    if (i % 4 == 0) {  // this host answers the forged SYN
      set_be32(answer, 30, source);
      lab.datapath.record_egress(frame_of(answer), lab.now_ns);
    }
    lab.now_ns += 1000;  // a million a second
  }

  EXPECT_EQ(lab.datapath.memory_bytes(), memory);
  EXPECT_EQ(dropped, 0U);  // each sent a packet or two; none is near a limit
  for (unsigned i = 0; i < kPeers; i++)
    ASSERT_EQ(lab.in(from(peer(i)).tcp(40000, 80).ack(1001)), "pass verified") << i;
  for (unsigned i = 0; i < kBans; i++)
    ASSERT_EQ(lab.in(from(banned(i)).udp(1, 80)), "drop ban") << i;
  const std::size_t slots_taken = lab.datapath.counters().new_sources;
  for (unsigned i = 0; i < kPeers; i++) lab.in(from(peer(i)).tcp(40000, 80).ack(1001));
  EXPECT_EQ(lab.datapath.counters().new_sources, slots_taken);  // none was evicted
}

}  // namespace
}  // namespace fw::test
