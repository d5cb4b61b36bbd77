/* SPDX-License-Identifier: MIT */
/* What a slot of each table of the policy holds. tables.h lists the tables, and
 * src/tables/ searches them. A bucket is a cache line. A table of zeros is empty,
 * and with empty tables everything passes.
 *
 * Rules of this file: fixed-width members, no implicit padding (asserted), the
 * unit in the member's name. A member marked "packed" is accessed only through the
 * functions of the named header. */
#ifndef FW_ABI_LAYOUT_H
#define FW_ABI_LAYOUT_H

#include "messages.h"

/* A source that was seen. Packets of verified flows and all others have separate slots (bit 0 of
 * the tag), so that forged packets never count against a verified peer. source_table.h decides
 * which slot a new source takes. */
struct fw_source {
  fw_u32 tag; /* hash of address and rule; bit 0: verified; 0 = empty */
  fw_u32 seen_window;
  fw_u32 excess;        /* packed, excess_history.h: when it was over a limit; or meter.h: its
                           deferred first packet */
  fw_u8 age_unrefunded; /* packed, source_table.h */
  fw_u8 taken;          /* packets that counted towards its share of budgets, in seen_window */
  fw_u16 closed_ports;  /* a bit for each group of closed ports that it tried */
};
enum { FW_SOURCE_SLOTS = 4 };
struct fw_source_bucket {
  struct fw_source slot[FW_SOURCE_SLOTS];
};

/* The meters of one source, at the source's index. Undefined while the source's first packet is
 * deferred (meter.h), so that a flood of sources that are seen once touches no meter. */
struct fw_meter {
  fw_u32 seen_ms;                    /* now_ns >> 20 of the last packet; `count` is of its window */
  fw_u32 tat_ticks[FW_METRIC_COUNT]; /* theoretical arrival time (GCRA) */
  fw_u32 count[FW_METRIC_COUNT];     /* in this window */
  fw_u32 before[FW_METRIC_COUNT];    /* in the window before */
};

/* A flow: the packets between two addresses and ports, in both directions. The union is by
 * protocol; one_way is TCP while egress is unseen (policy/one_way.h). */
enum fw_flow_state {
  FW_FLOW_EMPTY = 0,
  FW_FLOW_NEW = 1,         /* the peer sent first, this host has not answered */
  FW_FLOW_REPLIED = 2,     /* the peer sent first, this host answered; TCP: policy/one_way.h */
  FW_FLOW_HANDSHAKE = 3,   /* TCP: this host sent a sequence number that is not acknowledged yet */
  FW_FLOW_OUTBOUND = 4,    /* this host sent first (UDP, ICMP, other) */
  FW_FLOW_ESTABLISHED = 5, /* the peer is verified */
  FW_FLOW_CLOSING = 6,     /* TCP: established, and a FIN or RST was seen */
  FW_FLOW_ACQUAINTED = 7,  /* UDP: a dialogue, or the peer to whom this host sends there, or with
                              FW_ECHO_PROVEN a verified peer */
};
struct fw_flow_of_tcp {
  fw_u32 isn, next; /* an acknowledgement in (isn, next] verifies the peer */
};
enum { FW_EXCHANGES_SHIFT = 3, FW_EXCHANGES_MOST = 7 };
struct fw_flow_of_udp {
  fw_u32 exchanges; /* window of the first question << 3 | answered questions, 7 at most */
  fw_u32 echo;      /* packed, echo.h: what the peer will return if it receives at its address */
};
struct fw_flow_of_acquaintance {
  fw_u16 usual, count; /* packets in a window, outside of restricted times; in this window; at most
                          65,535 */
  fw_u32 echo;         /* as above; FW_ECHO_PROVEN: the peer has returned it */
};
struct fw_flow_of_one_way {
  fw_u32 next_seq, acked; /* where the peer's next segment begins; its last acknowledgement, 0
                             after a SYN */
};
struct fw_flow {
  fw_u32 tag;
  fw_u32 seen_state; /* packed, flow_table.h: window << 3 | enum fw_flow_state */
  union {
    struct fw_flow_of_tcp tcp;
    struct fw_flow_of_udp udp;
    struct fw_flow_of_acquaintance acquaintance;
    struct fw_flow_of_one_way one_way;
  };
};
enum { FW_FLOW_SLOTS = 4 };
struct fw_flow_bucket {
  struct fw_flow slot[FW_FLOW_SLOTS];
};
/* One word of the Bloom filter over flows (flow_filter.h): 8 bits for each of 8 buckets. */
struct fw_flow_filter {
  fw_u64 bits;
};
enum { FW_FLOW_FILTER_BUCKETS = 8, FW_FLOW_FILTER_BITS = 8 };

/* A datagram of which the first fragment passed, so that the later ones do (fragment_table.h). */
struct fw_datagram {
  fw_u32 tag; /* hash of addresses, protocol and identification */
  fw_u16 window;
  fw_u16 fragments_left;
};
enum { FW_DATAGRAMS = 1 << 14 }; /* 128 KiB; judgement: 10,000 fragmented datagrams a second */

/* Access entries: a ban, an allowance or an exemption of a prefix. `entry_keys` is searched (a key
 * can be in two buckets), `entries` has the entry at the same index. An entry is displaced only
 * when it has ended, or by its owner. */
enum { FW_ENTRY_NONE = 0, FW_ENTRY_BAN = 1, FW_ENTRY_ALLOW = 2, FW_ENTRY_EXEMPT = 3 };
enum { FW_ENTRY_SLOTS = 8 };
/* Bits beside the metric. FORCED: a BAN that an operator made in spite of an exemption or
 * allowance; the datapath ignores it, the next daemon reads it. RESTRICTED: a BAN that spares what
 * this host asked for, and who passes a challenge. OWN: an EXEMPT address of this host itself. */
enum {
  FW_ENTRY_FORCED = 0x80,
  FW_ENTRY_RESTRICTED = 0x40,
  FW_ENTRY_OWN = 0x20,
  FW_ENTRY_METRIC = 0x1f
};
struct fw_entry_keys {
  fw_u64 key[FW_ENTRY_SLOTS]; /* keyed hash of prefix and length; 0 = empty */
};
/* One word of the Bloom filter over the keys (entry_filter.h): 32 bits for each of 2 buckets. The
 * protected-prefix bitmap follows behind the filter. */
struct fw_entry_filter {
  fw_u64 bits;
};
enum { FW_ENTRY_FILTER_BUCKETS = 2, FW_ENTRY_FILTER_BITS = 32 };
/* Words of the bitmap. Measured: 4,096 bits (docs/decisions/entry-filter.md). */
enum { FW_PROTECTED_WORDS = 64 };
struct fw_entry {
  struct fw_addr addr; /* masked to prefix_bits */
  fw_u64 until_ns;     /* exclusive; FW_FOREVER; 0 = not (or no longer) in force */
  fw_u64 since_ns;
  fw_u64 dropped;   /* packets; more may be pending in fw_entry_pending */
  fw_u32 hold_ms;   /* BAN: renewed to now + hold_ms while the flood continues; 0 = not renewed */
  fw_u32 ban_above; /* the flood continues while `metric` is above this per window */
  fw_u32 window, count, before; /* meter of `metric`, since the ban began */
  fw_u8 kind;                   /* FW_ENTRY_* */
  fw_u8 prefix_bits;            /* 1..128, in the mapped form */
  fw_u8 rule;
  fw_u8 metric; /* enum fw_metric, and FW_ENTRY_FORCED, RESTRICTED, OWN */
};
#define FW_FOREVER (~0ULL)

/* Packets that one CPU dropped for an entry and has not added to it yet, so that packets of banned
 * sources write nothing that another CPU reads. An entry's slot follows from its index; while
 * another entry has the slot, packets are added to the entry at once (docs/decisions/
 * drop-counters.md, as for the number of slots). */
enum { FW_PENDING_SLOTS = 1024 };
struct fw_entry_pending {
  fw_u32 entry; /* its index + 1; 0 = free */
  fw_u32 packets;
  fw_u32 metered; /* units of the entry's metric */
  fw_u32 flushed_ms;
};

/* One budget: unverified packets of a class to an address, or to a served port of it. It has two
 * token buckets, for new and for known sources. A completed handshake and an answer refund tokens.
 * Every CPU takes tokens in batches (fw_budget_share). */
enum { FW_BUDGET_NEW = 0, FW_BUDGET_KNOWN = 1, FW_BUDGET_SIDES = 2 };
enum { FW_BUDGET_SLOTS = 1024 }; /* a power of two; judgement: hundreds of addresses and ports */
struct fw_budget {
  struct fw_addr dst;                /* 0: all addresses together */
  fw_u64 tat_ticks[FW_BUDGET_SIDES]; /* theoretical arrival time (GCRA) */
  fw_u32 refused;                    /* packets; wraps around */
  fw_u32 below_half_ms; /* when new sources last had used less than half; now_ns >> 20 */
  fw_u32 window;        /* of the counts below */
  fw_u32 taken, answered;
  fw_u32 answered_before; /* in the window before */
  fw_u16 port;            /* 0: all ports that are not served */
  fw_u8 traffic_class;
  fw_u8 used; /* 1: dst, port and traffic_class are filled in */
  fw_u32 taken_before;
};
struct fw_budget_share {
  fw_u8 credit[FW_BUDGET_SIDES]; /* tokens, in packets, taken and not yet spent */
  fw_u8 answered;                /* packets, not refunded yet */
  fw_u8 pad;
  fw_u32 exhausted_ms; /* when more than half was used and a new source was refused; 0: never */
  fw_u32 refused;      /* packets, not added to the budget yet */
  fw_u32 flushed_ms;
};

/* What a service bears above its budget, at the budget's index. While it bears a packet, the packet
 * passes. It bears fw_config.capacity_cost, less while the engine sees it suffer, and more while
 * its programs read all that passes. */
enum { FW_CAPACITY_FIRST = 0, FW_CAPACITY_AGAIN = 1, FW_CAPACITY_SIDES = 2 };
struct fw_capacity {
  fw_u64 tat_ticks[FW_CAPACITY_SIDES]; /* theoretical arrival time (GCRA): of sources that ask for
                                          the first time, and of those that ask again */
  fw_u32 cost;                         /* ticks that a packet costs, as the engine found; 0: none */
  fw_u32 until_ms;                     /* until then, now_ns >> 20 */
  fw_u32 passed;                       /* packets above the budget that passed; wraps around */
  fw_u32 challenged;                   /* questions that were asked back; wraps around */
  fw_u64 questions_tat_ticks; /* GCRA of questions of unverified sources, answered or not */
};

/* Two sources that were refused lately, so that they are served first when they ask again. packed,
 * retries.h. */
struct fw_retry_bucket {
  fw_u32 slot[2];
};
enum {
  FW_RETRY_BUCKETS = 1 << 17
}; /* 1 MiB: 262,144 sources; judgement: 20,000 a second for 8 s */

/* Kinds of packets, each with a bucket of its own, so that a flood of one does not take those of
 * another: TCP SYN, other TCP, UDP, the rest. */
enum { FW_EXEMPT_KINDS = 4 };
/* One for all CPUs. Written seldom: when a ban is made or a budget is exceeded. */
struct fw_shared {
  fw_u64 bans_tat_ticks;          /* token bucket that caps bans */
  fw_u64 link_tat_ticks;          /* token bucket of DHCP answers that pass unjudged */
  fw_u64 egress_seen;             /* 1: an egress packet was seen */
  fw_u64 no_refund_classes;       /* bit i: class i is not refunded (set by the engine) */
  fw_u32 restricted_until_window; /* the engine restricts what services bear; exclusive */
  fw_u32 pad;
  fw_u64 quotes_tat_ticks; /* token bucket of ICMP errors about flows of this host */
  /* By class: a budget of it was exceeded; until then no source becomes known by its packets. A
   * flood of one class does not stop the others' sources from becoming known. */
  fw_u64 under_load_until_ns[FW_CLASS_SLOTS];
  /* What exempt addresses send unasked: two token buckets (policy/standing.h), and until when the
   * second one is taken to be exceeded. */
  fw_u64 exempt_tat_ticks[FW_EXEMPT_KINDS];
  fw_u64 exempt_surge_tat_ticks;
  fw_u64 exempt_surge_until_ns;
};

/* One per CPU. */
struct fw_backlog {
  fw_u64 listener; /* hash of its address and port */
  fw_u64 full_ns;  /* when it was full last */
};
enum { FW_BACKLOGS = 16, FW_CLOSED_PORTS = 64 }; /* powers of two; judgement */
struct fw_cpu {
  fw_u64 samples_tat_ticks[FW_SAMPLE_KINDS];
  fw_u64 listener_tat_ticks; /* SYNs above their budget that are left to a listener */
  struct fw_backlog backlogs[FW_BACKLOGS];
  /* UDP ports without a socket, as the kernel said: port << 16 | time in units of 2^20 ns. */
  fw_u32 closed_ports[FW_CLOSED_PORTS];
};

FW_STATIC_ASSERT(sizeof(struct fw_source_bucket) == FW_LINE_BYTES, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_meter) == FW_LINE_BYTES, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_flow_bucket) == FW_LINE_BYTES, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_flow_filter) == 8, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_entry_keys) == FW_LINE_BYTES, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_entry_filter) == 8, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_entry) == FW_LINE_BYTES, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_entry_pending) == 16, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_budget) == FW_LINE_BYTES, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_budget_share) == 16, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_capacity) == 40, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_datagram) == 8, "arrays have a stride of 8 bytes at least");
FW_STATIC_ASSERT(sizeof(struct fw_shared) == 96 + 8 * (int)FW_CLASS_SLOTS, "no padding");

#endif
