// SPDX-License-Identifier: MIT
// Ports that a socket listens on but that never answer (syslog, netflow, one-way feeds): nobody can
// tell such a service's senders by being answered, so they are not held to it.
#include <gtest/gtest.h>

#include "policy_lab.hpp"

namespace fw::test {
namespace {

constexpr unsigned kCollector = 2055;

struct CollectorLab : Lab {
  CollectorLab() {
    config.budget[FW_CLASS_UDP_NEW] = {.cost = 625'000,  // 100/s, 200 at once
                                       .burst = 125'000'000,
                                       .served_burst = 125'000'000,
                                       .limit = 100};
    config.scan_ports = 14;
    publish();
    handshake(kPeer);  // this host is seen to send
  }
  fw_u8& known(unsigned port) {
    const std::size_t index = 65'536 + port;
    return datapath.tables().served[index / FW_LINE_BYTES].value[index % FW_LINE_BYTES];
  }
  // `seconds` of 500 packets/s from one source; how many were dropped.
  unsigned feed(std::string_view source, unsigned port, unsigned seconds) {
    unsigned dropped = 0;
    for (unsigned i = 0; i < 500 * seconds; i++) {
      dropped += in(from(source).udp(40'000, port).payload(64)) == "drop budget";
      now_ns += 2 * kMillisecond;
    }
    return dropped;
  }
  // 5,000 packets/s of as many sources; how many were dropped.
  unsigned flood(unsigned packets) {
    unsigned dropped = 0;
    for (unsigned i = 0; i < packets; i++) {
      const std::string source =
          "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
      dropped += in(from(source).udp(40'000, kCollector).payload(64)) == "drop budget";
      now_ns += kMillisecond / 5;
    }
    return dropped;
  }
};

TEST(listening, sender_of_500_packets_a_second_to_a_service_that_never_answers_loses_nothing) {
  for (const char* source : {"192.0.2.9", "2001:db8:9::1"}) {
    CollectorLab lab;
    lab.known(kCollector) = FW_PORT_LISTENS;
    EXPECT_EQ(lab.feed(source, kCollector, 20), 0U) << source;
  }
}

TEST(listening, same_sender_is_limited_at_a_closed_port_and_at_a_service_that_answers_others) {
  CollectorLab lab;
  EXPECT_GT(lab.feed("192.0.2.9", kCollector, 5), 1000U);
  lab.known(kCollector + 1) = FW_PORT_ANSWERS;
  EXPECT_GT(lab.feed("192.0.2.10", kCollector + 1, 5), 1000U);
}

TEST(listening, flood_of_many_sources_is_limited_where_somebody_only_listens) {
  CollectorLab lab;
  lab.known(kCollector) = FW_PORT_LISTENS;
  EXPECT_GT(lab.flood(5000), 2000U);  // its socket may hold eight times what other ports may owe
}

TEST(listening, socket_that_holds_more_may_be_owed_more_and_is_limited_as_well) {
  CollectorLab lab;
  lab.known(kCollector) = FW_PORT_LISTENS | FW_PORT_LARGE_RCVBUF;
  EXPECT_EQ(lab.flood(3000), 0U);
  EXPECT_GT(lab.flood(9000), 4000U);
}

TEST(listening, port_that_answers_is_one_from_then_on) {
  CollectorLab lab;
  lab.known(kCollector) = FW_PORT_LISTENS;
  lab.in(from("192.0.2.9").udp(40'000, kCollector).payload(64));
  lab.out(to("192.0.2.9").udp(kCollector, 40'000).payload(64));
  EXPECT_EQ(lab.known(kCollector), FW_PORT_ANSWERS | FW_PORT_LISTENS);
}

// A resolver's own socket listens too: what looks like an answer to it stays a reflection.
TEST(listening,
     answer_that_nobody_asked_for_is_reflected_unless_the_port_answers_unverified_sources) {
  CollectorLab lab;
  lab.known(40'000) = FW_PORT_LISTENS;
  lab.in(from("192.0.2.9").udp(53, 40'000).payload(64));
  EXPECT_EQ(lab.decision.traffic_class, FW_CLASS_UDP_REFLECTED);
  lab.known(40'000) = FW_PORT_ANSWERS;
  lab.in(from("192.0.2.10").udp(53, 40'000).payload(64));
  EXPECT_EQ(lab.decision.traffic_class, FW_CLASS_UDP_NEW);
}

TEST(listening, visitor_of_listening_ports_is_no_scanner) {
  for (const bool listens : {true, false}) {
    CollectorLab lab;
    for (unsigned port = 1000; port < 1200; port++) {
      if (listens) lab.known(port) = FW_PORT_LISTENS;
      lab.in(from("192.0.2.9").udp(40'000, port));
    }
    EXPECT_EQ(lab.events().size(), listens ? 0U : 1U);
  }
}

}  // namespace
}  // namespace fw::test
