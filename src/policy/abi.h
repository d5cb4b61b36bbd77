/* SPDX-License-Identifier: MIT */
/* What the daemon and every datapath agree on: the layout of tables, events
 * and counters. No code. Rules of this file: fixed-width members, no implicit
 * padding (asserted), units in the member name.
 *
 * The one clock is CLOCK_MONOTONIC (coarse), in nanoseconds: `now_ns`. Derived
 * units: a window is now_ns >> FW_WINDOW_SHIFT (1.074 s), a tick is
 * now_ns >> FW_TICK_SHIFT (16 ns). All-zero tables are a safe state: pass. */
#ifndef FW_POLICY_ABI_H
#define FW_POLICY_ABI_H

#include "types.h"

enum {
  FW_ABI_VERSION = 10,

  FW_WINDOW_SHIFT = 30,
  FW_TICK_SHIFT = 4,
  FW_MAX_RULES = 256, /* rule 0 is the default, the last one of prefixes, others services */
  FW_RULE_OF_PREFIXES = FW_MAX_RULES - 1,
  FW_MAX_PREFIX_LENGTHS = 8, /* distinct prefix lengths of entries, per family */
  FW_MAX_SIGNATURES = 64,
  FW_BUDGET_SLOTS = 1024, /* a power of two */
  FW_BYTES_UNIT = 16,     /* bytes are metered in units of 16 */
  FW_LINE_BYTES = 64,
};

/* ---------------------------------------------------------------- verdicts */

enum fw_verdict { FW_PASS = 0, FW_DROP = 1 };

/* Why a packet passed or was dropped: exactly one per packet. Counters, log
 * words and docs/reasons.md come from this list. Never renumber; append. */
#define FW_REASONS(X)                                                               \
  X(NONE, "none", "no policy is loaded")                                            \
  X(NOT_IP, "not-ip", "neither IPv4 nor IPv6: not judged")                          \
  X(LINK, "link", "keeps the link alive: ARP, neighbour discovery, DHCP to us")     \
  X(MALFORMED, "malformed", "headers that contradict the packet's length or RFC")   \
  X(EXEMPT, "exempt", "own address, gateway, DNS, DHCP server or operator session") \
  X(ALLOW, "allow", "on an allow list")                                             \
  X(DENY, "deny", "on a deny list")                                                 \
  X(BAN, "ban", "banned")                                                           \
  X(CLOSED, "closed", "a service with action = \"drop\"")                           \
  X(OPEN, "open", "a service with action = \"pass\"")                               \
  X(SIGNATURE, "signature", "matches a signature in force")                         \
  X(LIMIT, "limit", "above a limit per source, or per prefix")                      \
  X(BUDGET, "budget", "unverified traffic above its class budget")                  \
  X(VERIFIED, "verified", "of a verified peer")                                     \
  X(PASS, "pass", "nothing speaks against it")                                      \
  X(OUTGOING, "outgoing", "sent by this host: not judged")                          \
  X(CHALLENGE, "challenge", "unverified SYN above its budget, answered by a SYN cookie")

enum fw_reason {
#define FW_REASON_ENUM(name, word, meaning) FW_REASON_##name,
  FW_REASONS(FW_REASON_ENUM)
#undef FW_REASON_ENUM
      FW_REASON_COUNT
};

/* What an ingress packet is to this host. Never renumber; append. */
#define FW_CLASSES(X)                                                            \
  X(OTHER, "other", "not TCP, UDP or ICMP")                                      \
  X(TCP_SYN, "tcp_syn", "asks for a connection")                                 \
  X(TCP_FLOW, "tcp_flow", "of a verified connection")                            \
  X(TCP_STRAY, "tcp_stray", "of no verified connection")                         \
  X(UDP_REPLY, "udp_reply", "answers this host")                                 \
  X(UDP_NEW, "udp_new", "asks this host")                                        \
  X(UDP_REFLECTED, "udp_reflected", "looks like an answer; this host asked not") \
  X(ICMP_ECHO, "icmp_echo", "echo request")                                      \
  X(ICMP_OTHER, "icmp_other", "any other ICMP or ICMPv6")                        \
  X(FRAGMENT, "fragment", "a later fragment: it has no ports")

enum fw_class {
#define FW_CLASS_ENUM(name, word, meaning) FW_CLASS_##name,
  FW_CLASSES(FW_CLASS_ENUM)
#undef FW_CLASS_ENUM
      FW_CLASS_COUNT,
  FW_CLASS_SLOTS = 16 /* of tables by class: a mask is a bound that the verifier believes */
};

/* What is metered per source. Never renumber; append. */
#define FW_METRICS(X)                                                 \
  X(PACKETS, "packets", "packets of every kind")                      \
  X(BYTES, "bytes", "bytes of the frame on the wire, in steps of 16") \
  X(SYN, "syn", "TCP SYN without ACK")                                \
  X(UDP, "udp", "UDP that does not answer this host")                 \
  X(ICMP, "icmp", "ICMP and ICMPv6")

enum fw_metric {
#define FW_METRIC_ENUM(name, word, meaning) FW_METRIC_##name,
  FW_METRICS(FW_METRIC_ENUM)
#undef FW_METRIC_ENUM
      FW_METRIC_COUNT
};

/* ------------------------------------------------------------------ packet */

enum { FW_FRAG_NONE = 0, FW_FRAG_FIRST = 1, FW_FRAG_LATER = 2 };
enum {
  FW_TCP_FIN = 0x01,
  FW_TCP_SYN = 0x02,
  FW_TCP_RST = 0x04,
  FW_TCP_PSH = 0x08,
  FW_TCP_ACK = 0x10,
  FW_TCP_URG = 0x20,
};

/* What the parser learned. Where a header is absent its fields are 0. */
struct fw_packet {
  struct fw_addr src, dst;
  fw_u64 payload_head;  /* first 8 bytes after the transport header, big-endian; 0 if fewer */
  fw_u32 len_bytes;     /* the frame on the wire, link layer included */
  fw_u32 ip_len_bytes;  /* as the IP header says */
  fw_u32 seq, ack;      /* TCP */
  fw_u16 sport, dport;  /* TCP, UDP; ICMP echo: sport = 0, dport = identifier */
  fw_u16 window;        /* TCP */
  fw_u16 payload_bytes; /* after the transport header, as the IP header says; saturates */
  fw_u8 is_v6;
  fw_u8 proto;     /* IANA number after all extension headers; ICMPv6 is 58 */
  fw_u8 ttl;       /* or hop limit */
  fw_u8 fragment;  /* FW_FRAG_* */
  fw_u8 tcp_flags; /* FW_TCP_* and the two ECN bits above them */
  fw_u8 l4_header_bytes;
  fw_u8 icmp_type, icmp_code;
};

/* A packet's header fields as three words, for signatures. From the top:
 *   [0] proto 8, TCP flags 8, TTL 8, family and fragment 8, source port 16, destination port 16
 *   [1] IP length 16, TCP window 16, ICMP type 8, ICMP code 8, TCP header bytes 8, zero 8
 *   [2] first 8 bytes of payload
 * "Family and fragment" is 0x10 for IPv6 plus FW_FRAG_*. */
struct fw_match_key {
  fw_u64 word[3];
};

/* Matches a packet whose shape has these bits in all three words. */
struct fw_signature {
  struct fw_match_key mask, value;
  fw_u64 pad[2];
};
/* Which signatures are in force, by class: bit i is signatures[i]. A line's bits are set after its
 * signature was written, and cleared before that is written anew. */
struct fw_signature_set {
  fw_u64 active[FW_CLASS_COUNT];
  fw_u64 pad[6];
};

/* ------------------------------------------------------------ configuration */

enum { FW_MODE_OFF = 0, FW_MODE_OBSERVE = 1, FW_MODE_ENFORCE = 2 };
enum { FW_ACTION_LIMIT = 0, FW_ACTION_DROP = 1, FW_ACTION_PASS = 2 };

/* One limit of one rule. All zero: no limit. */
struct fw_limit {
  fw_u64 cost_q8;   /* ticks * 256 that one packet (or 16 bytes) costs, below 2^38; 0 = no limit */
  fw_u32 burst;     /* ticks of debt that are forgiven; at most 2^29 (8.6 s) */
  fw_u32 ban_above; /* ban when more than this in a window (packets, or 16 bytes); 0 = never */
  fw_u32 limit_above; /* the limit once more, per window: what an event says */
  fw_u32 pad;
};

struct fw_rule {
  struct fw_limit limit[FW_METRIC_COUNT];
  fw_u32 ban_ms; /* how long a first ban holds after the last excess */
  fw_u8 action;  /* FW_ACTION_* */
  fw_u8 own;     /* 1: has limits of its own, so it has meters of its own */
  fw_u16 pad;
};

/* The budget of a class: what sources that have not verified themselves may send to one address (or
 * one port of it, where a service answers) before it is too much. All zero: no budget. */
struct fw_budget_limit {
  fw_u32 cost;         /* ticks that a packet of a new source costs; 0 = no budget */
  fw_u32 burst;        /* ticks of debt that are forgiven ... */
  fw_u32 served_burst; /* ... and where the port belongs to a service that answers */
  fw_u32 limit;        /* the rate once more, per second: what an event says */
};

/* What is in force: which half of configurations and ports, and which of the lists. */
enum { FW_LISTS_NONE = 2, FW_LISTS_HALF = 3, FW_LISTS_SHORT = 4 };
struct fw_active {
  fw_u32 half;  /* 0 or 1 */
  fw_u32 lists; /* 0 or 1, or FW_LISTS_NONE; and FW_LISTS_SHORT if they are (list_image.h) */
};

struct fw_config {
  fw_u64 seed[2]; /* secret; of the hashes of all tables */
  fw_u32 abi_version;
  fw_u32 generation;    /* counts configurations, for events */
  fw_u8 mode;           /* FW_MODE_* */
  fw_u8 source_bits_v6; /* an IPv6 source is its first N bits, 48..128 */
  fw_u8 lengths_v4;     /* how many of prefix_bits_v4 are used */
  fw_u8 lengths_v6;
  fw_u32 source_mask; /* source buckets - 1; a power of two less one, as the next two */
  fw_u32 flow_mask;   /* flow buckets - 1 */
  fw_u32 entry_mask;  /* entry buckets - 1 */
  fw_u8 prefix_bits_v4[FW_MAX_PREFIX_LENGTHS]; /* lengths (mapped form) that entries have now */
  fw_u8 prefix_bits_v6[FW_MAX_PREFIX_LENGTHS];
  fw_u32 bans_burst; /* ticks: cap on bans that the datapath itself makes */
  fw_u32 bans_cost;  /* ticks a ban costs; 0 = the datapath makes no bans */
  struct fw_budget_limit budget[FW_CLASS_SLOTS]; /* by enum fw_class */
  fw_u8 scan_ports;  /* of 16 groups of closed ports: a source that tried so many scans; 0 = off */
  fw_u8 syn_cookies; /* 1: where the datapath can, SYNs above their budget are answered */
  /* FW_RULE_OF_PREFIXES holds for the sources of a prefix together: its length, in the mapped form;
   * shorter than a source's. 0: there is no such limit. */
  fw_u8 limit_bits_v4, limit_bits_v6;
  fw_u8 pad[28];
  struct fw_rule rule[FW_MAX_RULES];
};

/* Rule of a destination port: 64 ports a line, TCP first, then UDP. The table `served` has the same
 * shape and holds what is known of each port, as bits. The policy writes that a port answers, and
 * that stays; the daemon writes who listens, by compare and exchange. */
enum {
  FW_PORT_CLOSED = 0,
  FW_PORT_ANSWERS = 1, /* this host answered an unverified source from it */
  FW_PORT_LISTENS = 2, /* a socket waits there; if that is all, it never answers: syslog, netflow */
  FW_PORT_LARGE_RCVBUF =
      4, /* and holds FW_LARGE_RCVBUF_BYTES for its program: SO_RCVBUF was raised */
};
enum { FW_LARGE_RCVBUF_BYTES = 8 << 20 }; /* 10,000 small packets; the kernel doubles SO_RCVBUF */
enum { FW_PORT_LINES = 2 * 65536 / FW_LINE_BYTES };
struct fw_port_line {
  fw_u8 rule[FW_LINE_BYTES];
};

/* ------------------------------------------------------------------- tables
 * Each bucket is one cache line. */

/* Who: a source that was seen. Packets of verified flows and others have cells of
 * their own (tag bit 0), so that forged packets never count against a verified
 * peer. Replaced: empty, else the new one seen longest ago, else a known one, else
 * a verified one that is idle, else none. */
struct fw_source {
  fw_u32 tag; /* of address and rule; bit 0: verified; 0 = empty */
  fw_u32 seen_window;
  fw_u32 over;    /* low 15 bits of the window in which it went over a limit, and << 16 of the last
                     one in which it was; 0 = never. Or FW_SOURCE_NOTED, and its first packet */
  fw_u8 age_owes; /* high half: windows in which it was seen while no budget was exceeded; low
                     half: packets charged to budgets and not refunded; both saturate */
  fw_u8 charged;  /* packets that might have been, in seen_window */
  fw_u16 ports;   /* groups of closed ports that it tried, a bit each */
};
enum { FW_SOURCE_SLOTS = 4, FW_VERIFIED_IDLE_WINDOWS = 560 /* 10 minutes */ };
struct fw_source_bucket {
  struct fw_source slot[FW_SOURCE_SLOTS];
};

/* How much: the meters of one source, at the source's own index. They say nothing while the source
 * is FW_SOURCE_NOTED: what one packet came to is in its cell, so that a flood of sources that are
 * seen once touches no meter. */
struct fw_meter {
  fw_u32 seen_ms;                    /* now_ns >> 20 of the last packet; `count` is of its window */
  fw_u32 tat_ticks[FW_METRIC_COUNT]; /* tick at which the limit's debt is paid */
  fw_u32 count[FW_METRIC_COUNT];     /* in this window */
  fw_u32 before[FW_METRIC_COUNT];    /* in the window before */
};

/* A conversation. TCP: verified when the peer acknowledges a number in
 * (isn, next]. UDP: `isn` counts turns, `next` is the window of the first. */
enum {
  FW_FLOW_EMPTY = 0,
  FW_FLOW_NEW = 1,       /* the peer spoke, this host has not answered */
  FW_FLOW_REPLIED = 2,   /* the peer spoke first, this host answered; TCP: one_way.h */
  FW_FLOW_HANDSHAKE = 3, /* TCP: this host sent a number, not yet acknowledged */
  FW_FLOW_OUTBOUND = 4,  /* this host spoke first (UDP, ICMP, other) */
  FW_FLOW_ESTABLISHED = 5,
  FW_FLOW_CLOSING = 6, /* TCP: verified, and a FIN or RST was seen */
};
struct fw_flow {
  fw_u32 tag;
  fw_u32 seen_state; /* window << 3 | FW_FLOW_* */
  fw_u32 isn, next;
};
enum { FW_FLOW_SLOTS = 4, FW_FLOW_IDLE_WINDOWS = 6705 /* 2 hours */ };
struct fw_flow_bucket {
  struct fw_flow slot[FW_FLOW_SLOTS];
};
/* Which conversations eight buckets have that say something of their peer, 8 bits each, so few that
 * they stay in a near cache: a bit for each kind of hash (flow_filter.h). A flood's packets belong
 * to none, and look at no bucket. One too many costs a look at the bucket. */
struct fw_flow_filter {
  fw_u64 bits;
};
enum { FW_FLOW_FILTER_BUCKETS = 8, FW_FLOW_FILTER_BITS = 8 };

/* Entries: what is decided about a prefix by name, one entry each. `fw_entry_keys`
 * finds it (two buckets can hold a key), `fw_entry` says what. Nothing but its
 * end or its owner ever displaces an entry. */
enum { FW_ENTRY_NONE = 0, FW_ENTRY_BAN = 1, FW_ENTRY_ALLOW = 2, FW_ENTRY_EXEMPT = 3 };
enum { FW_ENTRY_SLOTS = 8 };
/* In the metric of a BAN: an operator's against an exemption or allowance. The next daemon reads
 * it here; to the datapath it is nothing. */
enum { FW_ENTRY_FORCED = 0x80, FW_ENTRY_METRIC = 0x1f };
struct fw_entry_keys {
  fw_u64 key[FW_ENTRY_SLOTS]; /* keyed hash of prefix and length; 0 = empty */
};
/* What two buckets have, 32 bits each, so few that they stay in a near cache: bit 0: a key of
 * this first bucket is in its second one; the others: a key of this kind is here (entries.h). Never
 * a bit too few; one too many costs a look at the bucket. */
struct fw_entry_filter {
  fw_u64 bits;
};
enum { FW_ENTRY_FILTER_BUCKETS = 2, FW_ENTRY_FILTER_BITS = 32 };
enum { FW_GUARD_WORDS = 64 }; /* behind those of all buckets: what entries protect */
struct fw_entry {
  struct fw_addr addr; /* masked to prefix_bits */
  fw_u64 until_ns;     /* exclusive; FW_FOREVER; 0 = not (or no longer) in force */
  fw_u64 since_ns;
  fw_u64 dropped;   /* packets; those not yet flushed are in fw_entry_pending */
  fw_u32 hold_ms;   /* BAN: renewed to now + hold while the flood goes on; 0 = not renewed */
  fw_u32 ban_above; /* it goes on above this much of `metric` in a window */
  fw_u32 window, count, before; /* the meter of `metric`, since the ban */
  fw_u8 kind;                   /* FW_ENTRY_* */
  fw_u8 prefix_bits;            /* 1..128, in the mapped form */
  fw_u8 rule;
  fw_u8 metric; /* FW_METRIC_*, and FW_ENTRY_FORCED */
};
#define FW_FOREVER (~0ULL)

/* What one CPU dropped for an entry and has not yet added to it: a banned source that floods writes
 * nothing per packet that another CPU reads. Every CPU has FW_PENDING_SLOTS of them, in the place
 * that follows from the entry's index; entries whose place another one has are added to at once:
 * with so many at a time no CPU meets another at one of them. */
enum { FW_PENDING_SLOTS = 1024 };
struct fw_entry_pending {
  fw_u32 entry; /* its index + 1; 0 = free */
  fw_u32 packets;
  fw_u32 metered;    /* of the entry's metric */
  fw_u32 flushed_ms; /* now_ns >> 20 */
};

/* One budget: of unverified packets of a class to an address, or to a port of it that is served.
 * Two sources of packets share it: new sources and known ones (FW_KNOWN_AGE) owe separately. What
 * this host's services or peers do in return (a completed handshake, an answer) is refunded.
 * Every CPU draws on it in batches (fw_budget_share). */
enum { FW_BUDGET_NEW = 0, FW_BUDGET_KNOWN = 1, FW_BUDGET_SIDES = 2 };
struct fw_budget {
  struct fw_addr dst;                /* 0: all addresses together */
  fw_u64 tat_ticks[FW_BUDGET_SIDES]; /* ticks */
  fw_u32 refused;                    /* packets; wraps */
  fw_u32 below_half_ms;              /* when new sources last owed less than half; now_ns >> 20 */
  fw_u32 window;                     /* of what follows */
  fw_u32 charged, answered;          /* packets in this window */
  fw_u32 answered_before;            /* ... and in the one before */
  fw_u16 port;                       /* 0: all that no service answers on */
  fw_u8 traffic_class;
  fw_u8 used; /* 1: dst, port and traffic_class are filled in */
  fw_u32 charged_before;
};
struct fw_budget_share {
  fw_u8 credit[FW_BUDGET_SIDES]; /* packets drawn and not yet spent */
  fw_u8 answered;                /* not yet refunded */
  fw_u8 pad;
  fw_u32 exhausted_ms; /* when a new source found more than half owed and was refused; 0: never */
  fw_u32 refused;      /* not yet flushed */
  fw_u32 flushed_ms;
};

/* Written by every CPU, but only when a ban is made or a budget is exceeded. */
struct fw_shared {
  fw_u64 bans_tat_ticks;      /* ticks, in 64 bits: they may rest for longer than 68 s */
  fw_u64 link_tat_ticks;      /* the same, of DHCP answers that pass unjudged */
  fw_u64 under_load_until_ns; /* some budget was exceeded: nobody becomes known */
  fw_u64 egress_seen;         /* 1: what this host sends is noted */
  fw_u64 strict_classes;      /* bit i: answers pay nothing back to class i (the engine's word) */
};

/* What a CPU keeps to itself. */
enum fw_sample_kind {
  FW_SAMPLE_TRUSTED = 0, /* of a verified or known peer, or charged to no budget */
  FW_SAMPLE_NEW = 1,     /* of a source that is new, passed */
  FW_SAMPLE_REFUSED = 2, /* above a budget, or matching a signature */
  FW_SAMPLE_KINDS = 3,
};
struct fw_cpu {
  fw_u64 samples_tat_ticks[FW_SAMPLE_KINDS]; /* ticks */
  fw_u64 room_tat_ticks; /* of SYNs above their budget that a listener has room for */
};

/* A packet as the engine sees it: what it learns from. */
enum { FW_SAMPLE_HEAD_BYTES = 128 };
struct fw_sample {
  fw_u64 time_ns;
  struct fw_packet packet;
  fw_u8 kind;          /* FW_SAMPLE_* */
  fw_u8 reason;        /* enum fw_reason */
  fw_u8 traffic_class; /* enum fw_class */
  fw_u8 signature;     /* that matched, + 1; 0 = none */
  fw_u8 served;        /* 1: a service listens or answers on the port */
  fw_u8 link;          /* FW_LINK_* of head */
  fw_u16 head_bytes;   /* that are there */
  fw_u8 head[FW_SAMPLE_HEAD_BYTES];
};

/* ------------------------------------------------------------------ reports */

enum { FW_EVENT_BAN = 1, FW_EVENT_LIMIT = 2, FW_EVENT_SCAN = 3 };

/* A transition, once. `value` and `limit` are per window (see fw_limit). */
struct fw_event {
  fw_u64 time_ns;
  struct fw_addr src, dst; /* src is the source key (masked for IPv6), or the prefix over a limit */
  fw_u32 value;
  fw_u32 limit;
  fw_u32 len_bytes;
  fw_u16 sport, dport;
  fw_u8 kind; /* FW_EVENT_* */
  fw_u8 proto;
  fw_u8 traffic_class;
  fw_u8 rule;
  fw_u8 metric;
  fw_u8 prefix_bits; /* of src */
  fw_u8 observed;    /* 1: mode observe, nothing was dropped */
  fw_u8 pad;
};

/* One per CPU. `drop` in mode observe counts what would have been dropped. */
struct fw_counters {
  fw_u64 denied_last; /* no count: 1 where the last IPv4 packet's source was on a deny list; in the
                         line that a denied packet is counted in */
  fw_u64 packets[FW_REASON_COUNT], bytes[FW_REASON_COUNT];
  fw_u64 class_packets[FW_CLASS_COUNT], class_bytes[FW_CLASS_COUNT];
  fw_u64 class_unverified[FW_CLASS_COUNT];  /* packets of peers that proved nothing */
  fw_u64 class_new_sources[FW_CLASS_COUNT]; /* cells taken for packets of the class */
  fw_u64 class_answered[FW_CLASS_COUNT];    /* handshakes completed, requests answered */
  fw_u64 signature_packets[FW_MAX_SIGNATURES];
  fw_u64 observed_drops; /* of the above: passed only because of mode observe */
  fw_u64 new_sources;    /* source cells taken */
  fw_u64 untracked;      /* packets of sources that found no cell */
  fw_u64 bans_capped;    /* bans not made: cap per minute, or no room */
  fw_u64 events_lost;    /* no room in the event ring */
  fw_u64 samples_lost;   /* no room in the sample ring */
};

FW_STATIC_ASSERT(sizeof(struct fw_packet) == 32 + 8 + 16 + 8 + 8, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_limit) == 24, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_rule) == 128, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_source_bucket) == FW_LINE_BYTES, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_meter) == FW_LINE_BYTES, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_flow_bucket) == FW_LINE_BYTES, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_flow_filter) == 8, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_active) == 8, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_entry_keys) == FW_LINE_BYTES, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_entry_filter) == 8, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_entry) == FW_LINE_BYTES, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_entry_pending) == 16, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_match_key) == 24, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_signature) == FW_LINE_BYTES, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_signature_set) == 128, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_budget) == FW_LINE_BYTES, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_budget_share) == 16, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_shared) == 40, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_sample) == 216, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_event) == 64, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_config) == 352U + FW_MAX_RULES * 128U, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_counters) ==
                     8 * (2 * (int)FW_REASON_COUNT + 5 * (int)FW_CLASS_COUNT +
                          (int)FW_MAX_SIGNATURES + 7),
                 "no padding");

#endif
