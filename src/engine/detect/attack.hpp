// SPDX-License-Identifier: MIT
// One attack, from the first excess that is no crowd's until there was none for ten seconds: its
// vectors, how large it was, what was dropped of it and what the host bore.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "abi/vocabulary.h"
#include "base/address.hpp"
#include "engine/journal/journal.hpp"

namespace fw::engine {

// A budget: of a class, to one address (the unspecified one: to all together), on one served port
// (0: on all ports that are not served).
struct VectorKey {
  fw_class traffic_class = FW_CLASS_OTHER;
  Address dst;
  std::uint16_t port = 0;

  auto operator<=>(const VectorKey&) const = default;
};

struct Vector {
  std::uint64_t refused = 0;  // packets, by any means: budget, signature, limit, restriction, ban
  std::uint64_t by_signature = 0, by_limit = 0, by_ban = 0;  // of these; limit: or restricted
  std::uint64_t borne = 0;     // packets above the budget that passed, since the service bears them
  std::uint64_t peak_pps = 0;  // above the budget, refused or borne
  std::uint64_t last_ns = 0;   // when there was some
  double pps = 0;              // lately, refused or borne
  std::uint64_t in_step = 0;   // refused or borne since the last tick
  bool named = false;          // in the log, or about to be
};

// One of the heaviest: a source or a prefix of several.
struct Sender {
  Prefix source;
  std::uint64_t packets = 0, surplus = 0;  // refused or borne, estimated; of it perhaps another's
  std::uint8_t proto = 0;                  // of the last packet seen
  std::uint16_t dport = 0;
  std::uint64_t value = 0, limit = 0;    // what broke a limit, per second; 0: none did
  fw_metric metric = FW_METRIC_PACKETS;  // of the limit
  // Banned for packets of a verified connection: its address cannot be forged.
  bool proven = false;
};

// A signature that dropped packets of it.
struct UsedSignature {
  std::string match;
  std::uint64_t packets = 0;
};

// All that arrived while it lasted, attack or not.
struct Offered {
  std::uint64_t packets = 0, bytes = 0;
  std::uint64_t refused_packets = 0, refused_bytes = 0;  // by any reason that drops
  std::uint64_t peak_pps = 0, peak_bytes_per_s = 0, peak_refused_pps = 0;  // over a second
  std::uint64_t verified = 0;    // packets of verified peers, passed
  std::uint64_t handshakes = 0;  // completed by unverified sources
  std::uint64_t answered = 0;    // questions that UDP services answered
};

// Packets in the last second. 0: it is not so.
struct AttackRates {
  bool observed = false;                  // in mode observe: what is called dropped passes
  std::uint64_t dropped = 0, excess = 0;  // excess: above the budgets, dropped or borne
  std::uint64_t budget = 0;               // of the first vector
  std::uint64_t answered = 0;             // questions, far more than usual
  std::uint64_t unfinished = 0;           // SYNs whose handshake is not completed
};

// Excess in a second that is an attack; fewer packets are an accident. Of what nobody can want the
// budgets are small, and so are its floods. Judgement.
[[nodiscard]] constexpr std::uint64_t least_attack_pps(fw_class traffic_class) {
  return traffic_class == FW_CLASS_UDP_REFLECTED || traffic_class == FW_CLASS_TCP_STRAY ? 8 : 50;
}

struct Attack {
  std::string id;                                       // "20261122-1": the day and a number
  std::uint64_t since_ns = 0, last_ns = 0, end_ns = 0;  // end: 0 while it lasts
  std::map<VectorKey, Vector> vectors;
  std::uint64_t dropped = 0;   // packets over a budget, or that match a signature
  std::uint64_t passed = 0;    // packets of unverified sources that budgets let through meanwhile
  std::uint64_t sources = 0;   // new ones; an estimate when the source table is full
  std::uint64_t borne = 0;     // packets above a budget that passed
  std::uint64_t observed = 0;  // of `dropped`: passed only because of mode observe
  std::uint64_t peak_pps = 0;  // above the budgets, or matching a signature, over a second
  std::map<fw_reason, std::uint64_t> by_reason;  // packets dropped meanwhile, of whomever
  Offered offered;
  std::vector<Sender> senders, prefixes;            // heaviest first
  std::vector<Address> targets;                     // addresses of this host
  std::map<std::string, UsedSignature> signatures;  // by name; kMaxSignatures at most
  static constexpr std::size_t kMaxSignatures = 64;
  std::string suffering;  // what the host or a service suffered from it; empty: nothing
  std::string capture;    // the file with the heads of its packets; empty: none
};

// What the log says of its beginning, and of vectors that come to it later.
[[nodiscard]] EventDetails details_of_vectors(const Attack& attack,
                                              std::span<const VectorKey> vectors,
                                              const AttackRates& rates);
[[nodiscard]] EventDetails details_of_end(const Attack& attack);

// "tcp_syn to 192.0.2.1 port 443"
[[nodiscard]] std::string text_of(const VectorKey& vector);

}  // namespace fw::engine
