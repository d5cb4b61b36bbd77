// SPDX-License-Identifier: MIT
// ICMP errors about what this host sent, and link-local peers.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "policy_lab.hpp"

namespace fw::test {
namespace {

constexpr const char *kRouter = "203.0.113.9", *kRouter6 = "2001:db8:9::1";

// "Fragmentation needed" or "packet too big" about `sent`.
Packet error(const Packet& sent, bool v6 = false, std::size_t most = 28) {
  Bytes quoted = sent.bytes();
  quoted.resize(std::min(quoted.size(), v6 ? 48 : most));
  return (v6 ? from(kRouter6).icmpv6(2, 0) : from(kRouter).icmp(3, 4)).payload(quoted);
}
Packet sent_to(std::string_view peer) {
  return peer.find(':') == std::string_view::npos ? Packet::ip().ipv4(kHost, peer)
                                                  : Packet::ip().ipv6(kHost6, peer);
}

TEST(quotes, an_error_about_a_flow_of_this_host_passes_and_any_other_is_judged) {
  Lab lab;
  lab.handshake(kPeer);
  lab.handshake(kPeer6);
  lab.out(to(kPeer).udp(5000, 53).payload(20));
  lab.out(to(kPeer).gre().payload(20));
  for (const Packet& sent :
       {sent_to(kPeer).tcp(80, 40000).ack(1), sent_to(kPeer).options(8).tcp(80, 40000).ack(1),
        sent_to(kPeer).udp(5000, 53), sent_to(kPeer).gre().payload(20)})
    EXPECT_EQ(lab.in(error(sent, false, 36)), "pass quote");
  EXPECT_EQ(lab.in(error(sent_to(kPeer6).tcp(80, 40000).ack(1), true)), "pass quote");

  const Packet another_host = Packet::ip().ipv4("198.51.100.8", kPeer).tcp(80, 40000).ack(1);
  const Packet flow = sent_to(kPeer).tcp(80, 40000).ack(1);
  for (const Packet& packet :
       {error(sent_to(kPeer).tcp(80, 40001).ack(1)), error(sent_to(kPeer).udp(5000, 54)),
        error(another_host), error(flow, false, 20),
        error(sent_to(kPeer).fragment(8, false).payload(20)),
        from(kRouter).icmp(5, 1).payload(flow.bytes())})
    EXPECT_EQ(lab.in(packet), "pass pass");
}

TEST(quotes, what_only_a_stranger_sent_is_no_flow_of_this_host) {
  Lab lab;
  lab.in(from(kPeer).udp(1234, 80).payload(20));
  EXPECT_EQ(lab.in(error(sent_to(kPeer).udp(80, 1234))), "pass pass");
}

TEST(quotes, pass_a_thousand_a_second_in_the_middle_of_a_flood) {
  Lab lab;
  lab.handshake(kPeer);
  lab.limit(FW_METRIC_ICMP, 1, 0);
  lab.config.budget[FW_CLASS_ICMP_OTHER] = {
      .cost = 6'250'000, .burst = 62'500'000, .served_burst = 62'500'000, .limit = 10};
  lab.publish();
  unsigned passed = 0;
  for (int i = 0; i < 20'000; i++) {
    if (i % 2 == 0) lab.in(from("192.0.2.77").icmp(3, 1).payload(28));
    passed += lab.in(error(sent_to(kPeer).tcp(80, 40000).ack(1))) == "pass quote" ? 1 : 0;
    lab.now_ns += kMillisecond / 4;
  }
  EXPECT_NEAR(passed, 6000, 10);  // 5 s, and the burst
}

TEST(link_local, peers_are_verified_and_limited_and_each_is_a_source) {
  for (const std::string peer : {"169.254.9.2", "fe80::2"}) {
    Lab lab;
    lab.handshake(peer);
    EXPECT_EQ(lab.in(from(peer).tcp(40000, 80).seq(6).ack(1001)), "pass verified");
    lab.out(to(peer).udp(5000, 53).payload(20));
    EXPECT_EQ(lab.in(from(peer).udp(53, 5000).payload(20)), "pass verified");
    lab.limit(FW_METRIC_ICMP, 1, 0, 2);
    EXPECT_EQ(lab.in(from(peer).icmp_echo(1, 1)), "pass pass");
    for (int i = 0; i < 10; i++) EXPECT_EQ(lab.in(from(peer).icmp_echo(1, 1)), "drop limit");
    EXPECT_EQ(lab.in(from(peer == "fe80::2" ? "fe80::3" : "169.254.9.3").icmp_echo(1, 1)),
              "pass pass");
  }
}

TEST(link_local, addresses_are_never_banned_since_every_link_has_them) {
  for (const char* peer : {"169.254.9.2", "fe80::2"}) {
    Lab lab;
    lab.limit(FW_METRIC_UDP, 100, kSecond, 200);
    std::map<std::string, unsigned> verdicts;
    for (int i = 0; i < 5000; i++, lab.now_ns += kMillisecond)
      verdicts[lab.in(from(peer).udp(1234, 80).payload(20))]++;
    EXPECT_EQ(verdicts.size(), 2U) << "passed, or dropped by the limit";
    EXPECT_GT(verdicts["drop limit"], 4000U);
  }
}

}  // namespace
}  // namespace fw::test
