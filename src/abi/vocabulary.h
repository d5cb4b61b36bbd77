/* SPDX-License-Identifier: MIT */
/* Reasons, traffic classes and metrics: their numbers, words, properties and
 * meanings. Counters, log words and docs/reasons.md are generated from these lists;
 * there is no other list. Never renumber; append. */
#ifndef FW_ABI_VOCABULARY_H
#define FW_ABI_VOCABULARY_H

#include "types.h"

enum fw_verdict { FW_PASS = 0, FW_DROP = 1 };

/* Why a packet passed or was dropped: exactly one reason per packet.
 *   X(name, word, meaning, verdict, is given after the packet was classified) */
#define FW_REASONS(X)                                                                              \
  X(NONE, "none", "no policy is loaded", PASS, 0)                                                  \
  X(NOT_IP, "not-ip", "neither IPv4 nor IPv6: not judged", PASS, 0)                                \
  X(LINK, "link", "keeps the link alive: ARP, neighbour discovery, DHCP to us", PASS, 0)           \
  X(MALFORMED, "malformed", "headers that contradict the packet's length or RFC", DROP, 0)         \
  X(EXEMPT, "exempt", "own address, gateway, DNS, DHCP server or operator session", PASS, 0)       \
  X(ALLOW, "allow", "on an allow list", PASS, 0)                                                   \
  X(DENY, "deny", "on a deny list", DROP, 0)                                                       \
  X(BAN, "ban", "banned", DROP, 0)                                                                 \
  X(CLOSED, "closed", "a service with action = \"drop\"", DROP, 0)                                 \
  X(OPEN, "open", "a service with action = \"pass\"", PASS, 0)                                     \
  X(SIGNATURE, "signature", "matches a signature in force", DROP, 1)                               \
  X(LIMIT, "limit", "above a limit per source, or per prefix", DROP, 1)                            \
  X(BUDGET, "budget", "unverified traffic above its class budget", DROP, 1)                        \
  X(VERIFIED, "verified", "of a verified peer", PASS, 1)                                           \
  X(PASS, "pass", "passed every stage", PASS, 1)                                                   \
  X(OUTGOING, "outgoing", "sent by this host: not judged", PASS, 0)                                \
  X(CHALLENGE, "challenge", "unverified, answered by a SYN cookie or a UDP challenge", DROP, 1)    \
  X(QUOTE, "quote", "ICMP error about a flow of this host", PASS, 1)                               \
  X(RESTRICT, "restrict", "restricted: nobody asked for it, or no answer to a challenge", DROP, 1) \
  X(SPOOFED, "spoofed", "own address as the source of an arriving packet", DROP, 1)

enum fw_reason {
#define FW_REASON_ENUM(name, ...) FW_REASON_##name,
  FW_REASONS(FW_REASON_ENUM)
#undef FW_REASON_ENUM
      FW_REASON_COUNT
};

/* As sets, one bit per reason. */
enum {
#define FW_REASON_DROPS(name, word, meaning, verdict, classified) \
  (FW_##verdict == FW_DROP) << FW_REASON_##name |
#define FW_REASON_CLASSIFIED(name, word, meaning, verdict, classified) \
  (classified) << FW_REASON_##name |
  FW_DROPPING_REASONS = FW_REASONS(FW_REASON_DROPS) 0,
  FW_CLASSIFIED_REASONS = FW_REASONS(FW_REASON_CLASSIFIED) 0,
#undef FW_REASON_DROPS
#undef FW_REASON_CLASSIFIED
};
FW_INLINE int fw_reason_drops(fw_u32 reason) {
  return (int)((fw_u32)FW_DROPPING_REASONS >> (reason & 31) & 1);
}
/* 1: a packet with this reason has a traffic class. */
FW_INLINE int fw_reason_is_classified(fw_u32 reason) {
  return (int)((fw_u32)FW_CLASSIFIED_REASONS >> (reason & 31) & 1);
}

/* The metrics of a source: X(name, word, meaning). */
#define FW_METRICS(X)                                                 \
  X(PACKETS, "packets", "packets of every kind")                      \
  X(BYTES, "bytes", "bytes of the frame on the wire, in steps of 16") \
  X(SYN, "syn", "TCP SYN without ACK")                                \
  X(UDP, "udp", "UDP that does not answer this host")                 \
  X(ICMP, "icmp", "ICMP and ICMPv6")

enum fw_metric {
#define FW_METRIC_ENUM(name, ...) FW_METRIC_##name,
  FW_METRICS(FW_METRIC_ENUM)
#undef FW_METRIC_ENUM
      FW_METRIC_COUNT
};
enum { FW_BYTES_UNIT = 16 }; /* bytes are metered in units of 16 */

/* The traffic class of an arriving packet.
 *   X(name, word, meaning, metric, has a budget per served port (OTHER: per
 *     protocol that is taken here), has a budget)
 * The metric is metered in addition to packets and bytes; PACKETS: none. Verified traffic has no
 * budget. */
#define FW_CLASSES(X)                                                                        \
  X(OTHER, "other", "not TCP, UDP or ICMP", PACKETS, 1, 1)                                   \
  X(TCP_SYN, "tcp_syn", "asks for a connection", SYN, 1, 1)                                  \
  X(TCP_FLOW, "tcp_flow", "of a verified connection", PACKETS, 0, 0)                         \
  X(TCP_STRAY, "tcp_stray", "out of state: of no verified connection", PACKETS, 1, 1)        \
  X(UDP_REPLY, "udp_reply", "answers this host", PACKETS, 0, 0)                              \
  X(UDP_NEW, "udp_new", "asks this host", UDP, 1, 1)                                         \
  X(UDP_REFLECTED, "udp_reflected", "looks like an answer that nobody asked for", UDP, 0, 1) \
  X(ICMP_ECHO, "icmp_echo", "echo request", ICMP, 0, 1)                                      \
  X(ICMP_OTHER, "icmp_other", "any other ICMP or ICMPv6", ICMP, 0, 1)                        \
  X(FRAGMENT, "fragment", "a later fragment: it has no ports", PACKETS, 0, 1)

enum fw_class {
#define FW_CLASS_ENUM(name, ...) FW_CLASS_##name,
  FW_CLASSES(FW_CLASS_ENUM)
#undef FW_CLASS_ENUM
      FW_CLASS_COUNT,
  FW_CLASS_SLOTS = 16 /* size of arrays by class: a power of two, since the verifier understands
                         masks as bounds */
};

enum {
#define FW_CLASS_BY_PORT(name, word, meaning, metric, by_port, budget) \
  (by_port) << FW_CLASS_##name |
#define FW_CLASS_BUDGET(name, word, meaning, metric, by_port, budget) (budget) << FW_CLASS_##name |
  FW_CLASSES_BY_PORT = FW_CLASSES(FW_CLASS_BY_PORT) 0,
  FW_CLASSES_WITH_BUDGET = FW_CLASSES(FW_CLASS_BUDGET) 0,
#undef FW_CLASS_BY_PORT
#undef FW_CLASS_BUDGET
};
FW_INLINE int fw_class_has_port(fw_u8 traffic_class) {
  return FW_CLASSES_BY_PORT >> (traffic_class & 31) & 1;
}
FW_INLINE int fw_class_has_budget(fw_u8 traffic_class) {
  return FW_CLASSES_WITH_BUDGET >> (traffic_class & 31) & 1;
}
FW_INLINE fw_u32 fw_metric_of(fw_u8 traffic_class) {
  switch (traffic_class) {
#define FW_CLASS_METRIC(name, word, meaning, metric, by_port, budget) \
  case FW_CLASS_##name:                                               \
    return FW_METRIC_##metric;
    FW_CLASSES(FW_CLASS_METRIC)
#undef FW_CLASS_METRIC
    default:
      return FW_METRIC_PACKETS;
  }
}

#endif
