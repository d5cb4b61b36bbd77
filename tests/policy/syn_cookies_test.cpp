// SPDX-License-Identifier: MIT
// Which SYNs a replay counts as answered by a SYN cookie: those that the XDP program could answer.
#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "datapath/address_key.hpp"
#include "policy_lab.hpp"

namespace fw::test {
namespace {

// A host whose port 80 has answered, and whose budget of SYNs is exhausted.
struct Flooded : Lab {
  explicit Flooded(bool is_replay = true) {
    config.syn_cookies = 1;
    config.budget[FW_CLASS_TCP_SYN] = {
        .cost = 62'500'000, .burst = 62'500'000, .served_burst = 62'500'000, .limit = 1};
    publish();
    entry(FW_ENTRY_EXEMPT, std::string(kHost) + "/32", FW_FOREVER, 0, 0, FW_ENTRY_OWN);
    entry(FW_ENTRY_EXEMPT, std::string(kHost6) + "/128", FW_FOREVER, 0, 0, FW_ENTRY_OWN);
    if (is_replay) datapath.judge_capture();
    handshake("203.0.113.1");
    for (unsigned i = 0; i < 100; i++) {
      const std::string peer = std::to_string(i + 1);
      for (const unsigned port : {80, 81}) {
        in(from("10.1.1." + peer).tcp(40000, port).syn());
        in(from("2001:db8:" + peer + "::1").tcp(40000, port).syn());
      }
    }
  }
};

Packet v4() {
  return from(kPeer);
}
Packet v6() {
  return from(kPeer6);
}
Packet syn(const Packet& made, unsigned port = 80) {
  return made.tcp(40000, port).syn().seq(5).options(20);
}
Packet tagged(unsigned ether_type, unsigned more) {
  Packet made = Packet::ethernet().vlan(1, ether_type);
  for (unsigned i = 0; i < more; i++) made = made.vlan(i + 2);
  return syn(made.ipv4(kPeer, kHost));
}

TEST(syn_cookies, answer_what_the_xdp_program_could_answer) {
  const struct {
    const char* what = "";
    Packet packet;
    const char* verdict = "";
  } cases[] = {
      {"plain", syn(v4()), "drop challenge"},
      {"plain IPv6", syn(v6()), "drop challenge"},
      {"cut behind its ports", syn(v4()).cut_to(54), "drop challenge"},
      {"in a VLAN", tagged(0x8100, 0), "drop challenge"},
      {"in a customer's VLAN", tagged(0x88a8, 1), "drop challenge"},
      {"with three tags", tagged(0x88a8, 2), "drop budget"},
      {"in MPLS", syn(Packet::ethernet().mpls(16).ipv4(kPeer, kHost)), "drop budget"},
      {"with IP options", syn(v4().options(4)), "drop budget"},
      {"with an extension header", syn(v6().destination_options()), "drop budget"},
      {"a first fragment", syn(v4().fragment(0, true)), "drop budget"},
      {"an IPv6 fragment", syn(v6().fragment(0, false)), "drop budget"},
      {"to a port that never answered", syn(v4(), 81), "drop budget"},
      {"from a special address", syn(from("224.0.0.1")), "drop budget"},
  };
  for (const auto& test : cases) EXPECT_EQ(Flooded().in(test.packet), test.verdict) << test.what;
}

TEST(syn_cookies, answer_only_for_addresses_of_this_host) {
  Flooded lab;
  for (unsigned i = 0; i < 100; i++)
    lab.in(syn(Packet::ethernet().ipv4("10.2.2." + std::to_string(i + 1), "198.51.100.8")));
  EXPECT_EQ(lab.in(syn(Packet::ethernet().ipv4(kPeer, "198.51.100.8"))), "drop budget");
}

TEST(syn_cookies, answer_no_syn_of_an_established_flow) {
  Flooded lab;
  fw_policy_flow_establish(&lab.datapath.env(), key_of(*Address::parse(kPeer)), 40000,
                           key_of(*Address::parse(kHost)), 80, FW_IPPROTO_TCP, lab.now_ns);
  EXPECT_EQ(lab.in(syn(v4())), "drop budget");
}

TEST(syn_cookies, answer_what_a_signature_matches) {
  Flooded lab;
  fw_signature& signature = lab.datapath.tables().signatures[0];
  signature.mask.word[0] = 0xffff;
  signature.value.word[0] = 80;
  lab.datapath.tables().signature_set->active[FW_CLASS_TCP_SYN] = 1;
  EXPECT_EQ(lab.in(syn(v4())), "drop challenge");
  lab.config.syn_cookies = 0;
  lab.publish();
  EXPECT_EQ(lab.in(syn(v4())), "drop signature");
}

TEST(syn_cookies, are_counted_once_as_challenge) {
  Flooded lab;
  const fw_counters before = lab.datapath.counters();
  lab.in(syn(v4()));
  const fw_counters after = lab.datapath.counters();
  EXPECT_EQ(after.packets[FW_REASON_CHALLENGE], before.packets[FW_REASON_CHALLENGE] + 1);
  EXPECT_EQ(after.packets[FW_REASON_BUDGET], before.packets[FW_REASON_BUDGET]);
}

TEST(syn_cookies, a_client_that_was_answered_is_verified_by_the_number_in_the_capture) {
  Flooded lab;
  EXPECT_EQ(lab.in(syn(v4())), "drop challenge");
  lab.out(to(kPeer).tcp(80, 40000).flags(kSyn).seq(1000).ack(6));
  EXPECT_EQ(lab.in(v4().tcp(40000, 80).seq(6).ack(1002)), "pass pass") << "a guess";
  EXPECT_EQ(lab.in(v4().tcp(40000, 80).seq(6).ack(1001)), "pass verified");
}

TEST(syn_cookies, are_not_sent_where_the_configuration_or_the_datapath_has_none) {
  EXPECT_EQ(Flooded(false).in(syn(v4())), "drop budget") << "nfqueue";
  for (const auto& [cookies, mode, verdict] :
       {std::tuple{0, FW_MODE_ENFORCE, "drop budget"}, {1, FW_MODE_OBSERVE, "pass budget"}}) {
    Flooded lab;
    lab.config.syn_cookies = static_cast<fw_u8>(cookies);
    lab.config.mode = static_cast<fw_u8>(mode);
    lab.publish();
    EXPECT_EQ(lab.in(syn(v4())), verdict);
  }
}

}  // namespace
}  // namespace fw::test
