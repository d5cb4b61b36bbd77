/* SPDX-License-Identifier: MIT */
/* The tables of the policy: what a slot holds. How they are searched is said in
 * tables/; which tables there are, in tables.h. A bucket is a cache line. All
 * zero is an empty table, with which everything passes.
 *
 * Rules of this file: fixed-width members, no implicit padding (asserted), the
 * unit in the member's name. A member whose comment says "packed" is read and
 * written by the accessors of the named header only. */
#ifndef FW_ABI_LAYOUT_H
#define FW_ABI_LAYOUT_H

#include "messages.h"

/* A source that was seen. Packets of verified flows and others have slots of their own (bit 0 of
 * the tag), so that forged packets never count against a verified peer. Replaced (source_table.h):
 * empty, else the new one seen longest ago, else a known one, else an idle verified one, else none.
 */
struct fw_source {
  fw_u32 tag; /* of address and rule; bit 0: verified; 0 = empty */
  fw_u32 seen_window;
  fw_u32 excess;        /* packed, excess_history.h and meter.h: when it was over a limit, or its
                           deferred first packet */
  fw_u8 age_unrefunded; /* packed, source_table.h */
  fw_u8 taken;          /* packets that counted towards its share of budgets, in seen_window */
  fw_u16 closed_ports;  /* groups of closed ports that it tried, a bit each */
};
enum { FW_SOURCE_SLOTS = 4 };
struct fw_source_bucket {
  struct fw_source slot[FW_SOURCE_SLOTS];
};

/* The meters of one source, at the source's own index. Without meaning while the source's first
 * packet is deferred (meter.h): a flood of sources that are seen once touches no meter. */
struct fw_meter {
  fw_u32 seen_ms;                    /* now_ns >> 20 of the last packet; `count` is of its window */
  fw_u32 tat_ticks[FW_METRIC_COUNT]; /* theoretical arrival time (GCRA) */
  fw_u32 count[FW_METRIC_COUNT];     /* in this window */
  fw_u32 before[FW_METRIC_COUNT];    /* in the window before */
};

/* A flow: the packets between two addresses and ports, both ways. What is known of it besides its
 * state depends on the protocol. */
enum fw_flow_state {
  FW_FLOW_EMPTY = 0,
  FW_FLOW_NEW = 1,         /* the peer spoke, this host has not answered */
  FW_FLOW_REPLIED = 2,     /* the peer spoke first, this host answered; TCP: policy/one_way.h */
  FW_FLOW_HANDSHAKE = 3,   /* TCP: this host sent a number that is not yet acknowledged */
  FW_FLOW_OUTBOUND = 4,    /* this host spoke first (UDP, ICMP, other) */
  FW_FLOW_ESTABLISHED = 5, /* the peer is verified */
  FW_FLOW_CLOSING = 6,     /* TCP: established, and a FIN or RST was seen */
};
struct fw_flow_of_tcp {
  fw_u32 isn, next; /* an acknowledgement in (isn, next] verifies the peer */
};
struct fw_flow_of_udp {
  fw_u32 exchanges, first_window; /* questions answered; when the first one came */
};
struct fw_flow_of_one_way {
  fw_u32 next_seq, acked; /* of the peer: where its next segment begins; what it acknowledged, 0
                             after a SYN */
};
struct fw_flow {
  fw_u32 tag;
  fw_u32 seen_state; /* packed, flow_table.h: window << 3 | enum fw_flow_state */
  union {
    struct fw_flow_of_tcp tcp;
    struct fw_flow_of_udp udp;
    struct fw_flow_of_one_way one_way;
  };
};
enum { FW_FLOW_SLOTS = 4 };
struct fw_flow_bucket {
  struct fw_flow slot[FW_FLOW_SLOTS];
};
/* A Bloom filter over the flows that verify or answer, 8 bits for each of 8 buckets
 * (flow_filter.h). */
struct fw_flow_filter {
  fw_u64 bits;
};
enum { FW_FLOW_FILTER_BUCKETS = 8, FW_FLOW_FILTER_BITS = 8 };

/* Access entries: a ban, an allowance or an exemption of a prefix. `entry_keys` finds an entry (a
 * key can be in two buckets), `entries` says what it is. Only its end or its owner displaces an
 * entry. */
enum { FW_ENTRY_NONE = 0, FW_ENTRY_BAN = 1, FW_ENTRY_ALLOW = 2, FW_ENTRY_EXEMPT = 3 };
enum { FW_ENTRY_SLOTS = 8 };
/* In the metric of a BAN: an operator's, against an exemption or allowance. The next daemon reads
 * it here; the datapath ignores it. */
enum { FW_ENTRY_FORCED = 0x80, FW_ENTRY_METRIC = 0x1f };
struct fw_entry_keys {
  fw_u64 key[FW_ENTRY_SLOTS]; /* keyed hash of prefix and length; 0 = empty */
};
/* A Bloom filter over the keys, 32 bits for each of 2 buckets, and behind it the protected-prefix
 * bitmap (entry_filter.h). */
struct fw_entry_filter {
  fw_u64 bits;
};
enum { FW_ENTRY_FILTER_BUCKETS = 2, FW_ENTRY_FILTER_BITS = 32 };
enum { FW_PROTECTED_WORDS = 64 }; /* of the bitmap, behind the filters of all buckets */
struct fw_entry {
  struct fw_addr addr; /* masked to prefix_bits */
  fw_u64 until_ns;     /* exclusive; FW_FOREVER; 0 = not (or no longer) in force */
  fw_u64 since_ns;
  fw_u64 dropped;   /* packets; those not yet added are in fw_entry_pending */
  fw_u32 hold_ms;   /* BAN: renewed to now + hold while the flood goes on; 0 = not renewed */
  fw_u32 ban_above; /* it goes on above this much of `metric` in a window */
  fw_u32 window, count, before; /* the meter of `metric`, since the ban */
  fw_u8 kind;                   /* FW_ENTRY_* */
  fw_u8 prefix_bits;            /* 1..128, in the mapped form */
  fw_u8 rule;
  fw_u8 metric; /* enum fw_metric, and FW_ENTRY_FORCED */
};
#define FW_FOREVER (~0ULL)

/* What one CPU dropped for an entry and has not yet added to it: the packets of a banned source
 * write nothing that another CPU reads. An entry's slot follows from its index; where another entry
 * has it packets are added to the entry at once, for with so many entries at a time two CPUs seldom
 * meet. */
enum { FW_PENDING_SLOTS = 1024 };
struct fw_entry_pending {
  fw_u32 entry; /* its index + 1; 0 = free */
  fw_u32 packets;
  fw_u32 metered; /* in the entry's metric */
  fw_u32 flushed_ms;
};

/* One budget: of unverified packets of a class to an address, or to a port of it that is served.
 * New and known sources have token buckets of their own in it. A completed handshake and an answer
 * give tokens back. Every CPU takes tokens in batches (fw_budget_share). */
enum { FW_BUDGET_NEW = 0, FW_BUDGET_KNOWN = 1, FW_BUDGET_SIDES = 2 };
enum { FW_BUDGET_SLOTS = 1024 }; /* a power of two */
struct fw_budget {
  struct fw_addr dst;                /* 0: all addresses together */
  fw_u64 tat_ticks[FW_BUDGET_SIDES]; /* theoretical arrival time (GCRA) */
  fw_u32 refused;                    /* packets; wraps */
  fw_u32 below_half_ms; /* when new sources last had used less than half; now_ns >> 20 */
  fw_u32 window;        /* of what follows */
  fw_u32 taken, answered;
  fw_u32 answered_before; /* in the window before */
  fw_u16 port;            /* 0: all that no service answers on */
  fw_u8 traffic_class;
  fw_u8 used; /* 1: dst, port and traffic_class are filled in */
  fw_u32 taken_before;
};
struct fw_budget_share {
  fw_u8 credit[FW_BUDGET_SIDES]; /* tokens, in packets, taken and not yet spent */
  fw_u8 answered;                /* not yet refunded */
  fw_u8 pad;
  fw_u32 exhausted_ms; /* when more than half was used and a new source refused; 0: never */
  fw_u32 refused;      /* not yet added to the budget's */
  fw_u32 flushed_ms;
};

/* One for all CPUs, written only when a ban is made or a budget is exceeded. */
struct fw_shared {
  fw_u64 bans_tat_ticks;      /* of the cap on bans */
  fw_u64 link_tat_ticks;      /* of DHCP answers that pass unjudged */
  fw_u64 under_load_until_ns; /* some budget was exceeded: no source becomes known meanwhile */
  fw_u64 egress_seen;         /* 1: packets that this host sends are seen */
  fw_u64 no_refund_classes;   /* bit i: answers refund nothing to class i (set by the engine) */
};

/* One per CPU. */
struct fw_cpu {
  fw_u64 samples_tat_ticks[FW_SAMPLE_KINDS];
  fw_u64 listener_tat_ticks; /* of SYNs above their budget that a listener has room for */
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
FW_STATIC_ASSERT(sizeof(struct fw_shared) == 40, "no padding");

#endif
