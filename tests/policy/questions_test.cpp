// SPDX-License-Identifier: MIT
// Questions over UDP that are asked back: which, when, and who may pass.
#include <gtest/gtest.h>

#include <string>

#include "datapath/address_key.hpp"
#include "policy/siphash.h"
#include "policy_lab.hpp"

namespace fw::test {
namespace {

using namespace std::string_literals;

constexpr fw_u32 kSecondTicks = 62'500'000;
constexpr unsigned kGame = 27015;
const std::string kInfo = "\xff\xff\xff\xffTSource Engine Query\0"s;
const std::string kWanted = "\xff\xff\xff\xff";
const std::string kQuery = "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1"s;

std::string text_of(fw_u32 number) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(number >> shift & 255);
  return text;
}
std::string list_question(char kind, const std::string& number) {
  return "\xff\xff\xff\xff" + std::string(1, kind) + number;
}

// A game server and a name server, whose budget is 10/s and which bear 1000/s.
struct Service : Lab {
  explicit Service(unsigned challenge = FW_CHALLENGE_AUTO) {
    config.budget[FW_CLASS_UDP_NEW] = {.cost = kSecondTicks / 10,
                                       .burst = 64 * (kSecondTicks / 10),
                                       .served_burst = 64 * (kSecondTicks / 10),
                                       .limit = 10};
    config.capacity_cost = kSecondTicks / 1000;
    config.rule[0].challenge = static_cast<fw_u8>(challenge);
    publish();
    datapath.judge_capture();
    entry(FW_ENTRY_EXEMPT, std::string(kHost) + "/32", FW_FOREVER, 0, 0, FW_ENTRY_OWN);
    entry(FW_ENTRY_EXEMPT, std::string(kHost6) + "/128", FW_FOREVER, 0, 0, FW_ENTRY_OWN);
    serve(true, kGame);
    serve(true, 53);
    serve(false, 53);
  }
  void serve(bool udp, unsigned port, fw_u8 flags = FW_PORT_LISTENS) {
    const unsigned index = port + (udp ? 65536 : 0);
    datapath.tables().served[index / FW_LINE_BYTES].value[index % FW_LINE_BYTES] = flags;
  }
  std::string ask(std::string_view peer, const std::string& payload, unsigned port = kGame,
                  unsigned from_port = 4000) {
    return in(from(peer).udp(from_port, port).payload(payload));
  }
  // Questions of as many sources; how many passed. With `answered` the service answers those.
  unsigned flood(const std::string& payload, unsigned port, unsigned count, unsigned rate,
                 bool answered = false) {
    unsigned passed = 0;
    for (unsigned i = 0; i < count; i++, source_++) {
      const std::string peer =
          "10.8." + std::to_string(source_ / 250 % 250) + "." + std::to_string(source_ % 250 + 1);
      const bool passes = ask(peer, payload, port).starts_with("pass");
      passed += passes;
      if (passes && answered) out(to(peer).udp(port, 4000).payload(100));
      now_ns += kSecond / rate;
    }
    return passed;
  }
  [[nodiscard]] std::string number_of(std::string_view peer) {
    fw_packet p{};
    p.src = key_of(*Address::parse(peer));
    p.dst = key_of(*Address::parse(peer.find(':') == std::string_view::npos ? kHost : kHost6));
    const fw_config& c = datapath.config();
    return text_of(static_cast<fw_u32>(
        fw_siphash5(c.challenge_seed, p.src.hi, p.src.lo, p.dst.hi, p.dst.lo, now_ns >> 36)));
  }
  unsigned source_ = 0;
};

TEST(siphash, is_that_of_its_authors) {
  // 40 bytes 0, 1, 2 ... with the key 0, 1 ... 15, as in the authors' vectors.h.
  const fw_u64 key[2] = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  EXPECT_EQ(fw_siphash5(key, 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL, 0x1716151413121110ULL,
                        0x1f1e1d1c1b1a1918ULL, 0x2726252423222120ULL),
            0x0e3ea96b5304a7d0ULL);
}

TEST(questions, of_a_game_server_are_asked_back_above_its_budget) {
  Service service;
  const unsigned passed = service.flood(kInfo, kGame, 20'000, 20'000);
  EXPECT_GE(passed, 10U);
  EXPECT_LE(passed, 25U);
  EXPECT_GT(service.datapath.counters().packets[FW_REASON_CHALLENGE], 19'900U);
  EXPECT_EQ(service.in(from("192.0.2.9").udp(4000, kGame).payload(40)), "pass pass")
      << "packets of players use a budget that the flood does not";
}

TEST(questions, with_the_number_pass_and_verify_their_flow) {
  for (const char* peer : {kPeer, kPeer6}) {
    Service service(FW_CHALLENGE_ON);
    EXPECT_EQ(service.ask(peer, kInfo), "drop challenge");
    EXPECT_EQ(service.ask(peer, kInfo + "abcd"), "drop challenge") << "a guess";
    EXPECT_EQ(service.ask(peer, kInfo + service.number_of("192.0.2.99")), "drop challenge");
    EXPECT_EQ(service.ask(peer, list_question('U', kWanted)), "drop challenge");
    const std::string number = service.number_of(peer);
    service.now_ns += 60 * kSecond;  // the number of the slot before
    EXPECT_EQ(service.ask(peer, list_question('U', number)), "pass verified");
    EXPECT_EQ(service.in(from(peer).udp(4000, kGame).payload(300)), "pass verified");
    service.now_ns += 200 * kSecond;
    EXPECT_EQ(service.ask("192.0.2.4", list_question('V', number)), "drop challenge") << "too old";
  }
}

// A server that gives numbers of its own does not know ours: its client, which has a new number
// from it, must not be asked for ours again.
TEST(questions, of_a_source_that_returned_a_number_are_left_to_the_server) {
  Service service(FW_CHALLENGE_ON);
  EXPECT_EQ(service.ask(kPeer, kInfo + service.number_of(kPeer)), "pass verified");
  service.out(to(kPeer).udp(kGame, 4000).payload(list_question('A', "srv1")));
  EXPECT_EQ(service.ask(kPeer, kInfo + "srv1"), "pass verified");
  EXPECT_EQ(service.ask(kPeer, list_question('V', kWanted), kGame, 4001), "pass pass")
      << "another socket";
  EXPECT_EQ(service.ask("192.0.2.2", kInfo + "srv1"), "drop challenge");
}

TEST(questions, with_the_number_that_the_server_gave_verify_as_well) {
  Service service;
  service.datapath.env().is_past = 0;
  service.datapath.env().notes_questions = 1;
  EXPECT_EQ(service.ask(kPeer, kInfo), "pass pass");
  service.out(to(kPeer).udp(kGame, 4000).payload(list_question('A', "srv1")));
  EXPECT_EQ(service.ask(kPeer, kInfo + "srv2"), "pass pass");
  EXPECT_EQ(service.ask(kPeer, kInfo + "srv1"), "pass verified");
}

TEST(questions, of_dns_are_truncated_above_what_the_service_bears_only) {
  Service service;
  EXPECT_EQ(service.flood(kQuery, 53, 3000, 900, true), 3000U) << "a crowd that is answered";
  const unsigned answered = service.flood(kQuery, 53, 20'000, 20'000, true);
  EXPECT_GE(answered, 900U);
  EXPECT_LE(answered, 2100U);
  EXPECT_LE(Service().flood(kQuery, 53, 3000, 900), 700U) << "above its budget, and unanswered";
}

TEST(questions, that_are_none_are_never_answered) {
  Service service(FW_CHALLENGE_ON);
  const auto altered = [](std::string text, std::size_t at, char value) {
    text[at] = value;
    return text;
  };
  EXPECT_EQ(service.ask(kPeer, kQuery, 53), "drop challenge");
  EXPECT_EQ(service.ask(kPeer, altered(kQuery, 2, '\x81'), 53), "pass pass") << "an answer";
  EXPECT_EQ(service.ask(kPeer, altered(kQuery, 2, '\x29'), 53), "pass pass") << "an update";
  EXPECT_EQ(service.ask(kPeer, altered(kQuery, 5, 2), 53), "pass pass") << "two questions";
  EXPECT_EQ(service.ask(kPeer, kQuery, 5353), "pass pass") << "another port";
  EXPECT_EQ(service.ask(kPeer, kInfo + "a"), "pass pass") << "a long question";
  EXPECT_EQ(service.ask(kPeer, list_question('A', "abcd")), "pass pass") << "a challenge";
  EXPECT_EQ(service.ask(kPeer, kInfo, 27016), "pass pass") << "no service";
  EXPECT_EQ(
      service.in(Packet::ethernet().ipv4(kPeer, kHost).options(4).udp(4000, kGame).payload(kInfo)),
      "pass pass")
      << "IP options";
  service.serve(false, 53, FW_PORT_CLOSED);
  EXPECT_EQ(service.ask(kPeer, kQuery, 53), "pass pass") << "no TCP to come by";
}

TEST(questions, are_not_asked_back_where_that_is_off_or_not_enforced) {
  EXPECT_EQ(Service(FW_CHALLENGE_OFF).flood(kInfo, kGame, 200, 1000), 200U);
  Service observing(FW_CHALLENGE_ON);
  observing.config.mode = FW_MODE_OBSERVE;
  observing.publish();
  EXPECT_EQ(observing.ask(kPeer, kInfo), "pass pass");
}

}  // namespace
}  // namespace fw::test
