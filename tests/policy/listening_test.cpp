// SPDX-License-Identifier: MIT
// Ports that a socket listens on but that never answer (syslog, NetFlow, one-way feeds): a sender
// there is never answered, so missing answers are not held against it.
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
    handshake(kPeer);  // egress is seen
  }
  fw_u8& served(unsigned port) {
    const std::size_t index = 65'536 + port;
    return datapath.tables().served[index / FW_LINE_BYTES].value[index % FW_LINE_BYTES];
  }
  // Sends 500 packets/s from one source for `seconds`; returns how many were dropped.
  unsigned feed(std::string_view source, unsigned port, unsigned seconds) {
    unsigned dropped = 0;
    for (unsigned i = 0; i < 500 * seconds; i++) {
      dropped += in(from(source).udp(40'000, port).payload(64)) == "drop budget";
      now_ns += 2 * kMillisecond;
    }
    return dropped;
  }
  // Sends 5,000 packets/s, each from another source; returns how many were dropped.
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

TEST(listening, a_sender_of_500_packets_a_second_to_a_service_that_never_answers_loses_nothing) {
  for (const char* source : {"192.0.2.9", "2001:db8:9::1"}) {
    CollectorLab lab;
    lab.served(kCollector) = FW_PORT_LISTENS;
    EXPECT_EQ(lab.feed(source, kCollector, 20), 0U) << source;
  }
}

TEST(listening, the_same_sender_is_limited_at_a_closed_port_and_at_a_service_that_answers_others) {
  CollectorLab lab;
  EXPECT_GT(lab.feed("192.0.2.9", kCollector, 5), 1000U);
  lab.served(kCollector + 1) = FW_PORT_ANSWERS;
  EXPECT_GT(lab.feed("192.0.2.10", kCollector + 1, 5), 1000U);
}

TEST(listening, a_flood_of_many_sources_is_limited_at_a_listening_port) {
  CollectorLab lab;
  lab.served(kCollector) = FW_PORT_LISTENS;
  EXPECT_GT(lab.flood(5000), 2000U);  // the burst is eight times that of other ports
}

TEST(listening, a_large_receive_buffer_has_a_larger_burst_and_is_limited_as_well) {
  CollectorLab lab;
  lab.served(kCollector) = FW_PORT_LISTENS | FW_PORT_LARGE_RCVBUF;
  EXPECT_EQ(lab.flood(3000), 0U);
  EXPECT_GT(lab.flood(9000), 4000U);
}

TEST(listening, a_port_that_answered_once_counts_as_answering) {
  CollectorLab lab;
  lab.served(kCollector) = FW_PORT_LISTENS;
  lab.in(from("192.0.2.9").udp(40'000, kCollector).payload(64));
  lab.out(to("192.0.2.9").udp(kCollector, 40'000).payload(64));
  EXPECT_EQ(lab.served(kCollector), FW_PORT_ANSWERS | FW_PORT_LISTENS);
}

// A resolver's own socket listens too: an answer to it that was not asked for stays reflected.
TEST(listening,
     an_answer_that_was_not_asked_for_is_reflected_unless_the_port_answers_unverified_sources) {
  CollectorLab lab;
  lab.served(40'000) = FW_PORT_LISTENS;
  lab.in(from("192.0.2.9").udp(53, 40'000).payload(64));
  EXPECT_EQ(lab.decision.traffic_class, FW_CLASS_UDP_REFLECTED);
  lab.served(40'000) = FW_PORT_ANSWERS;
  lab.in(from("192.0.2.10").udp(53, 40'000).payload(64));
  EXPECT_EQ(lab.decision.traffic_class, FW_CLASS_UDP_NEW);
}

TEST(listening, a_visitor_of_listening_ports_is_no_scanner) {
  for (const bool listens : {true, false}) {
    CollectorLab lab;
    for (unsigned port = 1000; port < 1200; port++) {
      if (listens) lab.served(port) = FW_PORT_LISTENS;
      lab.in(from("192.0.2.9").udp(40'000, port));
    }
    EXPECT_EQ(lab.events().size(), listens ? 0U : 1U);
  }
}

}  // namespace
}  // namespace fw::test
