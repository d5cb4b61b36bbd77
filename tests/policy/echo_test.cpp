// SPDX-License-Identifier: MIT
// A UDP peer that returns a number which only a receiver can know is verified. Layouts are those of
// the protocols.
#include <gtest/gtest.h>

#include <string>

#include "policy_lab.hpp"

namespace fw::test {
namespace {

using namespace std::string_literals;

constexpr unsigned kPort = 51820;

std::string zeros(std::size_t count) {
  return std::string(count, '\0');
}

// What the peer asks, what this host answers, what the peer then sends.
struct Dialogue {
  const char* what = "";
  std::string asks, answers, returns;
  bool proves = true;
};

std::string quic_long(const std::string& destination, const std::string& source,
                      const std::string& version = "\0\0\0\1"s) {
  return "\xc3" + version + static_cast<char>(destination.size()) + destination +
         static_cast<char>(source.size()) + source + zeros(1100);
}
std::string quic_short(const std::string& id) {
  return "\x43" + id + zeros(40);
}
std::string wireguard(char type, const std::string& indices, std::size_t size) {
  const std::string head = type + "\0\0\0"s + indices;
  return head + zeros(size - head.size());
}
std::string dtls(char type, const std::string& body) {
  return "\x16\xfe\xfd"s + zeros(10) + type + zeros(11) + body + zeros(60);
}

const Dialogue kDialogues[] = {
    {"WireGuard's data", wireguard(1, "peer", 148), wireguard(2, "ourspeer", 92),
     wireguard(4, "ours", 96)},
    {"WireGuard's data with another index", wireguard(1, "peer", 148), wireguard(2, "ourspeer", 92),
     wireguard(4, "OURS", 96), false},
    {"WireGuard's response to a new handshake", wireguard(4, "0123", 64), wireguard(1, "ours", 148),
     wireguard(2, "peerours", 92)},
    {"WireGuard's data where no handshake was sent", wireguard(4, "0123", 64),
     wireguard(4, "ours", 96), wireguard(4, "ours", 96), false},
    {"a QUIC handshake", quic_long("of-client", "client"), quic_long("client", "of-server"),
     quic_long("of-server", "client")},
    {"QUIC's short header", quic_long("of-client", "client"), quic_long("client", "serv"),
     quic_short("serv")},
    {"an id of 20 bytes", quic_long("of-client", "client"),
     quic_long("client", "0123456789abcdefghij"), quic_short("0123456789abcdefghij")},
    {"an id that differs in its last byte", quic_long("of-client", "client"),
     quic_long("client", "0123456789abcdefghij"), quic_short("0123456789abcdefghiJ"), false},
    {"an id of 3 bytes", quic_long("of-client", "client"), quic_long("client", "srv"),
     quic_short("srv"), false},
    {"an id that the client chose", quic_long("of-client", "client"),
     quic_long("client", "of-client"), quic_long("of-client", "client"), false},
    {"a version that is not offered", quic_long("of-client", "client", "\x1a\x1a\x1a\x1a"),
     quic_long("client", "of-client", zeros(4)), quic_long("of-client", "client"), false},
    {"DTLS's cookie", dtls(1, "\xfe\xfd"s + zeros(32) + "\0\0"s),
     dtls(3, "\xfe\xfd\x14"s + "0123456789abcdefghij"),
     dtls(1, "\xfe\xfd"s + zeros(32) + "\0\x14"s + "0123456789abcdefghij")},
    {"a wrong cookie", dtls(1, "\xfe\xfd"s + zeros(32) + "\0\0"s),
     dtls(3, "\xfe\xfd\x14"s + "0123456789abcdefghij"),
     dtls(1, "\xfe\xfd"s + zeros(32) + "\0\x14"s + "0123456789abcdefghiJ"), false},
    {"OpenVPN's session", "\x38"s + "clientid" + zeros(5),
     "\x40"s + "serverid" + "\1" + zeros(4) + "clientid" + zeros(4),
     "\x28"s + "clientid" + "\1" + zeros(4) + "serverid"},
    {"OpenVPN's session behind an HMAC", "\x38"s + "clientid" + zeros(33),
     "\x40"s + "serverid" + zeros(28) + "\1" + zeros(4) + "clientid" + zeros(4),
     "\x20"s + "clientid" + zeros(28) + "\1" + zeros(4) + "serverid" + zeros(80)},
    {"a game server's challenge", "\xff\xff\xff\xffTSource Engine Query\0"s,
     "\xff\xff\xff\xff\x41" + "chal"s, "\xff\xff\xff\xffTSource Engine Query\0"s + "chal"},
};

TEST(echo, verifies_a_peer_from_its_next_packet_on) {
  for (const Dialogue& dialogue : kDialogues)
    for (const char* peer : {kPeer, kPeer6}) {
      Lab lab;
      EXPECT_EQ(lab.in(from(peer).udp(4000, kPort).payload(dialogue.asks)), "pass pass");
      lab.out(to(peer).udp(kPort, 4000).payload(dialogue.answers));
      EXPECT_EQ(lab.in(from(peer).udp(4000, kPort).payload(dialogue.returns)), "pass pass");
      EXPECT_EQ(lab.in(from(peer).udp(4000, kPort).payload(50)),
                dialogue.proves ? "pass verified" : "pass pass")
          << dialogue.what;
      EXPECT_EQ(lab.in(from(peer).udp(4001, kPort).payload(50)), "pass pass") << "another flow";
    }
}

// A peer that uses two ids of its own may see either of them taken over.
TEST(echo, of_an_id_counts_no_more_once_the_peer_has_chosen_several) {
  Lab lab;
  lab.in(from(kPeer).udp(4000, kPort).payload(quic_long("of-client1", "client")));
  lab.in(from(kPeer).udp(4000, kPort).payload(quic_long("of-client2", "client")));
  lab.out(to(kPeer).udp(kPort, 4000).payload(quic_long("client", "of-client1")));
  lab.in(from(kPeer).udp(4000, kPort).payload(quic_long("of-client1", "client")));
  EXPECT_EQ(lab.in(from(kPeer).udp(4000, kPort).payload(50)), "pass pass");
}

TEST(echo, is_forgotten_when_the_peer_was_silent_for_ten_minutes) {
  Lab lab;
  lab.in(from(kPeer).udp(4000, kPort).payload(wireguard(1, "peer", 148)));
  lab.out(to(kPeer).udp(kPort, 4000).payload(wireguard(2, "ourspeer", 92)));
  lab.in(from(kPeer).udp(4000, kPort).payload(wireguard(4, "ours", 96)));
  EXPECT_EQ(lab.in(from(kPeer).udp(4000, kPort).payload(wireguard(4, "ours", 96))),
            "pass verified");
  lab.now_ns += 599 * kSecond;
  EXPECT_EQ(lab.in(from(kPeer).udp(4000, kPort).payload(50)), "pass verified");
  lab.now_ns += 605 * kSecond;
  lab.in(from(kPeer).udp(4000, kPort).payload(50));
  EXPECT_EQ(lab.datapath.counters().class_unverified[FW_CLASS_UDP_NEW], 2U) << "an acquaintance";
}

}  // namespace
}  // namespace fw::test
