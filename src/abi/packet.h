/* SPDX-License-Identifier: MIT */
/* A frame, the parsed packet, its match key for signatures, and the decision about
 * it. Protocol numbers are IANA's. */
#ifndef FW_ABI_PACKET_H
#define FW_ABI_PACKET_H

#include "types.h"

/* The first header of a frame. */
enum { FW_LINK_ETHERNET = 0, FW_LINK_IP = 1 };

/* A frame of `wire_bytes`, of which `captured_bytes` are at `data`. */
struct fw_frame {
  const fw_u8* data;
  fw_u32 captured_bytes;
  fw_u32 wire_bytes;
  fw_u8 link; /* FW_LINK_* */
};

enum {
  FW_IPPROTO_HOPOPTS = 0, /* IPv6 hop-by-hop options, RFC 8200 */
  FW_IPPROTO_ICMP = 1,
  FW_IPPROTO_TCP = 6,
  FW_IPPROTO_UDP = 17,
  FW_IPPROTO_ROUTING = 43,
  FW_IPPROTO_FRAGMENT = 44,
  FW_IPPROTO_AH = 51, /* RFC 4302 */
  FW_IPPROTO_ICMPV6 = 58,
  FW_IPPROTO_DSTOPTS = 60,
  FW_IPPROTO_MH = 135,    /* mobility, RFC 6275 */
  FW_IPPROTO_HIP = 139,   /* RFC 7401 */
  FW_IPPROTO_SHIM6 = 140, /* RFC 5533 */
};
enum {
  FW_ICMP_ECHO_REPLY = 0,
  FW_ICMP_UNREACHABLE = 3, /* RFC 792; with code 4: fragmentation needed */
  FW_ICMP_ECHO_REQUEST = 8,
  FW_ICMP_TIME_EXCEEDED = 11,
  FW_ICMP_PARAMETER_PROBLEM = 12,
  FW_ICMPV6_UNREACHABLE = 1,       /* the first type of error, RFC 4443 */
  FW_ICMPV6_PARAMETER_PROBLEM = 4, /* the last one */
  FW_ICMPV6_ECHO_REQUEST = 128,
  FW_ICMPV6_ECHO_REPLY = 129,
  FW_ICMPV6_ROUTER_SOLICITATION = 133, /* the first type of neighbour discovery, RFC 4861 */
  FW_ICMPV6_REDIRECT = 137,            /* the last one */
};
enum { FW_FRAG_NONE = 0, FW_FRAG_FIRST = 1, FW_FRAG_LATER = 2 };
enum {
  FW_TCP_FIN = 0x01,
  FW_TCP_SYN = 0x02,
  FW_TCP_RST = 0x04,
  FW_TCP_PSH = 0x08,
  FW_TCP_ACK = 0x10,
};

/* The fields that the parser read. Fields of an absent header are 0. */
struct fw_packet {
  struct fw_addr src, dst;
  fw_u64 payload_head; /* first 8 bytes after the transport header, big-endian; 0 if fewer */
  fw_u32 len_bytes;    /* the frame on the wire, link layer included */
  fw_u32 ip_len_bytes; /* according to the IP header */
  union {
    fw_u32 seq;      /* TCP; of a fragment of anything else its identification */
    fw_u32 question; /* UDP, whole: enum fw_question, noted by a datapath that can answer it */
  };
  union {
    fw_u32 ack;         /* TCP */
    fw_u32 challenge;   /* of an A2S question: the number that it brings */
    fw_u32 quotes_flow; /* ICMP error: 1: it is about a flow of this host (policy/quotes.h) */
  };
  fw_u16 sport, dport;  /* TCP, UDP; ICMP echo: sport = 0, dport = identifier */
  fw_u16 tcp_window;    /* as in the header, unscaled */
  fw_u16 payload_bytes; /* after the transport header, according to the IP header; saturates */
  fw_u8 is_v6;
  fw_u8 proto;     /* after all extension headers; ICMPv6 is 58 */
  fw_u8 ttl;       /* or hop limit */
  fw_u8 fragment;  /* FW_FRAG_* */
  fw_u8 tcp_flags; /* FW_TCP_*, URG and the two ECN bits */
  fw_u8 l4_header_bytes;
  fw_u8 icmp_type, icmp_code;
};

/* Questions that can be answered by a challenge (policy/questions.h). */
enum fw_question { FW_QUESTION_NONE = 0, FW_QUESTION_DNS = 1, FW_QUESTION_A2S = 2 };

/* A packet's header fields as three words, for signatures. From the most significant bit:
 *   [0] proto 8, TCP flags 8, TTL 8, family and fragment 8, source port 16, destination port 16
 *   [1] IP length 16, TCP window 16, ICMP type 8, ICMP code 8, TCP header bytes 8, zero 8
 *   [2] first 8 bytes of payload
 * "Family and fragment" is 0x10 for IPv6 plus FW_FRAG_*. */
struct fw_match_key {
  fw_u64 word[3];
};

/* What was decided about an arriving packet. */
struct fw_decision {
  fw_u8 verdict; /* FW_PASS or FW_DROP */
  fw_u8 reason;  /* enum fw_reason */
  fw_u8 traffic_class;
  fw_u8 rule;
  fw_u8 observed;  /* 1: would have been dropped, but the mode is observe */
  fw_u8 signature; /* number of the one that matches, + 1; 0 = none */
  fw_u8 sample;    /* FW_SAMPLE_* + 1: the datapath sends it to the engine; 0 = no sample */
  fw_u8 served;    /* FW_SERVED, FW_OF_PARTNER and FW_AWAITS_ECHO */
  fw_u8 ask;       /* enum fw_ask: what the datapath may try before the packet is dropped */
  fw_u8 of_all;    /* 1: the budget of all addresses refused the packet, not that of its own */
  fw_u16 budget;   /* index + 1 of the packet's own budget, if one refused it */
  fw_u32 entry;    /* packed, policy/access.h: the entry of an exempt or restricted source */
};

enum {
  FW_SERVED = 1,      /* in a sample: a service listens or answers on the port */
  FW_AWAITS_ECHO = 2, /* the peer of the packet's UDP flow may prove its address (policy/echo.h) */
  FW_OF_PARTNER = 4,  /* the flow was answered, or its source has a verified one */
};

/* What a datapath that can send or see sockets may try for a packet that is to be dropped. */
enum fw_ask {
  FW_ASK_NOTHING = 0,
  FW_ASK_SENDER = 1, /* answered by a SYN cookie or a challenge, it is no loss to a real client */
  FW_ASK_KERNEL = 2, /* out of state, or to a port that is not served: has the kernel a socket? */
};

FW_STATIC_ASSERT(sizeof(struct fw_packet) == 32 + 8 + 16 + 8 + 8, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_match_key) == 24, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_decision) == 16, "no padding");

#endif
