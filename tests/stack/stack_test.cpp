// SPDX-License-Identifier: MIT
// The parser against the kernel: whatever of an odd frame reached a socket was judged as that
// source, protocol and destination port, or dropped as malformed. Nothing else would keep a ban.
//
// FLOODWALL_STACK_FRAMES: how many packets (40,000). FLOODWALL_STACK_SEED: another history.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "abi/words.hpp"
#include "datapath/user/user_datapath.hpp"
#include "stack/real_host.hpp"

namespace fw::test {
namespace {

constexpr std::size_t kRemembered = 1 << 14, kBatch = 64;

unsigned from_environment(const char* name, unsigned otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0'
             ? static_cast<unsigned>(std::strtoul(value, nullptr, 10))
             : otherwise;
}

// A packet that was sent, and what the policy said of each of its frames.
struct Sent {
  OddPacket packet;
  std::vector<fw_packet> parsed;
  std::vector<unsigned> reasons;
};

class Judge {
 public:
  Judge() {
    fw_config config = datapath_.config();
    config.mode = FW_MODE_ENFORCE;
    const std::vector<fw_port_line> ports(FW_PORT_LINES);
    EXPECT_TRUE(datapath_.publish(config, ports).has_value());
  }

  Sent judge(OddPacket packet) {
    Sent sent{.packet = std::move(packet), .parsed = {}, .reasons = {}};
    for (const Bytes& frame : sent.packet.frames) {
      const fw_frame read{
          .data = frame.data(),
          .captured_bytes = static_cast<fw_u32>(frame.size()),
          .wire_bytes = static_cast<fw_u32>(frame.size()),
          .link = static_cast<fw_u8>(sent.packet.entry == Entry::ethernet ? FW_LINK_ETHERNET
                                                                          : FW_LINK_IP)};
      fw_packet parsed{};
      sent.reasons.push_back(datapath_.decide(read, now_ns_ += 1'000'000, parsed).reason);
      sent.parsed.push_back(parsed);
    }
    return sent;
  }

 private:
  datapath::UserDatapath datapath_{{.sources = 16, .flows = 16, .bans = 8}, 7};
  std::uint64_t now_ns_ = 1ULL << 40;
};

bool is_same(const fw_addr& a, const fw_addr& b) {
  return a.hi == b.hi && a.lo == b.lo;
}

// Was one of the frames judged as what was heard, and none of them not at all?
bool is_right(const Sent& sent, const Heard& heard) {
  bool found = false;
  for (std::size_t i = 0; i < sent.parsed.size(); i++) {
    const fw_packet& p = sent.parsed[i];
    if (sent.reasons[i] == FW_REASON_MALFORMED) return true;
    if (sent.reasons[i] == FW_REASON_NOT_IP || !is_same(p.src, heard.source)) return false;
    found = found || (p.fragment != FW_FRAG_LATER && p.proto == heard.proto &&
                      (heard.port == 0 || (p.dport == heard.port && p.sport == heard.source_port)));
  }
  return found;
}

bool is_dropped(const Sent& sent) {
  return std::ranges::find(sent.reasons, unsigned{FW_REASON_MALFORMED}) != sent.reasons.end();
}

std::string text(const Sent& sent) {
  std::string out = fmt::format("entry {}", static_cast<int>(sent.packet.entry));
  for (std::size_t i = 0; i < sent.parsed.size(); i++) {
    out += fmt::format("\n  {}, proto {}, port {}, fragment {}:", kReasonWords.at(sent.reasons[i]),
                       sent.parsed[i].proto, sent.parsed[i].dport, sent.parsed[i].fragment);
    for (const fw_u8 byte : sent.packet.frames[i]) out += fmt::format(" {:02x}", byte);
  }
  return out;
}

class History {
 public:
  History(RealHost& host, unsigned seed) : host_(host), frames_(seed), sent_(kRemembered) {}

  // Returns the first packet that got past, or nothing.
  std::string run(unsigned packets) {
    for (unsigned number = 0; number < packets && wrong_.empty(); number++) {
      Sent& sent = sent_[number % kRemembered] = judge_.judge(frames_.next(number));
      for (const Bytes& frame : sent.packet.frames)
        host_.send(sent.packet.entry, frame, sent.packet.info);
      if (number % kBatch == kBatch - 1) host_.drain([this](const Heard& h) { check(h); });
    }
    host_.drain([this](const Heard& h) { check(h); });
    return wrong_;
  }

  std::map<std::string, unsigned> heard;  // packets by what they were

 private:
  void check(const Heard& what) {
    Sent& sent = sent_[what.number % kRemembered];
    constexpr unsigned kShared = 0xfffff;  // the bits that all protocols carry
    if ((sent.packet.number & kShared) != (what.number & kShared))
      return;  // an answer to a segment with a number of its own, or long ago
    if (sent.packet.frames.empty()) return;
    count(sent, what);
    if (!is_right(sent, what) && wrong_.empty())
      wrong_ = fmt::format("heard: proto {}, port {}, from port {}; sent by {}", what.proto,
                           what.port, what.source_port, text(sent));
  }

  void count(const Sent& sent, const Heard& what) {
    heard[what.proto == 17 ? "udp" : what.proto == 6 ? "tcp" : "icmp"]++;
    heard[sent.packet.entry == Entry::ethernet ? "ethernet" : "tun"]++;
    if (sent.packet.entry == Entry::tun_with_info) heard["tun with packet info"]++;
    if (sent.packet.tags > 0) heard["with tags"]++;
    if (sent.packet.extensions > 0) heard["with extension headers"]++;
    if (sent.packet.frames.size() > 1) heard["in fragments"]++;
    if (is_dropped(sent)) heard["that the policy drops as malformed"]++;
    if (is_dropped(sent) && sent.packet.tags <= 4 && sent.packet.extensions <= 4)
      heard["of these, with few headers"]++;
  }

  RealHost& host_;
  OddFrames frames_;
  Judge judge_;
  std::vector<Sent> sent_;
  std::string wrong_;
};

TEST(stack, whatever_reaches_a_socket_was_judged_as_that) {
  auto host = RealHost::open();
  if (!host && host.error().kind == ErrorKind::not_permitted &&
      from_environment("FLOODWALL_NO_SKIP", 0) == 0)
    GTEST_SKIP() << host.error().message << ": needs root";
  ASSERT_TRUE(host) << host.error().message;
  const unsigned packets = from_environment("FLOODWALL_STACK_FRAMES", 40'000);
  History history(*host, from_environment("FLOODWALL_STACK_SEED", 20'261'129));
  EXPECT_EQ(history.run(packets), "");
  std::printf("of %u packets reached a socket:\n", packets);
  for (const auto& [what, number] : history.heard) std::printf("  %u %s\n", number, what.c_str());
  for (const char* what : {"udp", "tcp", "icmp", "ethernet", "tun", "with tags",
                           "with extension headers", "in fragments"})
    EXPECT_GT(history.heard[what], packets / 200) << what;
}

}  // namespace
}  // namespace fw::test
