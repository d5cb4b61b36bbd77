// SPDX-License-Identifier: MIT
// Signatures in force: what they match and what they never drop; and the samples for the engine.
#include <gtest/gtest.h>

#include "policy_lab.hpp"

namespace fw::test {
namespace {

// Puts a signature of `traffic_class` in force: the fields of `made` that `mask` selects.
void add_signature(Lab& lab, std::size_t slot, const Packet& made, const fw_match_key& mask,
                   fw_class traffic_class) {
  lab.decide(made);
  const fw_match_key key = fw_policy_match_key(&lab.packet);
  fw_signature& signature = lab.datapath.tables().signatures[slot];
  signature.mask = mask;
  for (int i = 0; i < 3; i++) signature.value.word[i] = key.word[i] & mask.word[i];
  lab.datapath.tables().signature_set->active[traffic_class] |= 1ULL << slot;
}

constexpr fw_match_key kProtoAndSport{{0xff000000ffff0000ULL, 0, 0}};

TEST(signatures, drop_what_matches_and_nothing_else) {
  for (const char* peer : {kPeer, kPeer6}) {
    Lab lab;
    add_signature(lab, 3, from(peer).udp(161, 9), kProtoAndSport, FW_CLASS_UDP_REFLECTED);
    EXPECT_EQ(lab.in(from(peer).udp(161, 7777)), "drop signature");
    EXPECT_EQ(lab.decision.signature, 4);
    EXPECT_EQ(lab.in(from(peer).udp(123, 7777)), "pass pass");
    EXPECT_EQ(lab.datapath.counters().signature_packets[3], 1U);
    lab.datapath.tables().signature_set->active[FW_CLASS_UDP_REFLECTED] = 0;
    EXPECT_EQ(lab.in(from(peer).udp(161, 7777)), "pass pass");
  }
}

TEST(signatures, end_in_the_datapath) {
  Lab lab;
  add_signature(lab, 0, from(kPeer).udp(161, 9), kProtoAndSport, FW_CLASS_UDP_REFLECTED);
  lab.datapath.tables().signatures[0].until_ns = lab.now_ns + kSecond;
  lab.now_ns += kSecond - 1;
  EXPECT_EQ(lab.in(from(kPeer).udp(161, 7777)), "drop signature");
  lab.now_ns++;
  EXPECT_EQ(lab.in(from(kPeer).udp(161, 7777)), "pass pass");
}

TEST(signatures, apply_to_their_class_only) {
  Lab lab;
  const fw_match_key ttl{{0xff00ff0000000000ULL, 0, 0}};
  add_signature(lab, 0, from(kPeer).tcp(5, 80).syn(), ttl, FW_CLASS_TCP_SYN);
  EXPECT_EQ(lab.in(from(kPeer).tcp(6, 81).syn()), "drop signature");
  EXPECT_EQ(lab.in(from(kPeer).tcp(6, 81).ack(5)), "pass pass");
}

TEST(signatures, never_drop_a_verified_flow_nor_other_packets_of_its_peer) {
  Lab lab;
  lab.handshake(kPeer);
  lab.in(from(kPeer).tcp(40000, 80).ack(1001));
  const fw_match_key any_tcp{{0xff00000000000000ULL, 0, 0}};
  for (const fw_class traffic_class : {FW_CLASS_TCP_SYN, FW_CLASS_TCP_STRAY, FW_CLASS_TCP_FLOW})
    add_signature(lab, 0, from(kPeer).tcp(1, 2).syn(), any_tcp, traffic_class);
  EXPECT_EQ(lab.in(from(kPeer).tcp(40000, 80).ack(1001)), "pass verified");
  EXPECT_EQ(lab.in(from(kPeer).tcp(40001, 80).syn()), "pass pass");
  EXPECT_EQ(lab.in(from("192.0.2.2").tcp(40001, 80).syn()), "drop signature");
}

TEST(signatures, match_the_first_bytes_of_the_payload) {
  Lab lab;
  const fw_match_key head{{0xff00000000000000ULL, 0, 0xffffffff00000000ULL}};
  const auto asks = [](std::string_view text) {
    return from(kPeer).udp(40000, 27015).payload(text);
  };
  add_signature(lab, 63, asks("\xff\xff\xff\xffTSource Engine Query"), head, FW_CLASS_UDP_NEW);
  EXPECT_EQ(lab.in(asks("\xff\xff\xff\xff"
                        "Uanother query")),
            "drop signature");
  EXPECT_EQ(lab.in(asks("\xff\xff\xfe\xff"
                        "Uanother query")),
            "pass pass");
  EXPECT_EQ(lab.in(asks("\xff\xff\xff\xff")), "pass pass");  // too short to have eight bytes
}

TEST(signatures, apply_after_allow_and_exempt) {
  Lab lab;
  add_signature(lab, 0, from(kPeer).udp(161, 9), kProtoAndSport, FW_CLASS_UDP_REFLECTED);
  lab.entry(FW_ENTRY_ALLOW, kPeer);
  EXPECT_EQ(lab.in(from(kPeer).udp(161, 9)), "pass allow");
}

TEST(samples, are_limited_and_carry_the_first_bytes) {
  Lab lab;
  for (int i = 0; i < 100'000; i++) {
    lab.decide(from(kPeer).udp(4000, 9).payload(200));
    lab.now_ns += 10'000;  // 100,000 a second
  }
  std::vector<fw_sample> samples;
  lab.datapath.drain_samples([&](const fw_sample& sample) { samples.push_back(sample); });
  EXPECT_GT(samples.size(), 900U);
  EXPECT_LT(samples.size(), 1500U);
  EXPECT_EQ(samples[0].kind, FW_SAMPLE_NEW);
  EXPECT_EQ(samples[0].traffic_class, FW_CLASS_UDP_NEW);
  EXPECT_EQ(samples[0].head_bytes, FW_SAMPLE_HEAD_BYTES);
  EXPECT_EQ(samples[0].packet.len_bytes, 14U + 20 + 8 + 200);
  const Bytes bytes = from(kPeer).udp(4000, 9).payload(200).bytes();
  EXPECT_TRUE(std::equal(std::begin(samples[0].head), std::end(samples[0].head), bytes.begin()));
}

}  // namespace
}  // namespace fw::test
