/* SPDX-License-Identifier: MIT */
/* The configuration as the policy reads it: rules with limits per source, budgets
 * per class, seeds and sizes of tables, and the rule of every port. The daemon
 * writes it (config/compile.cpp) and swaps it whole. */
#ifndef FW_ABI_CONFIGURATION_H
#define FW_ABI_CONFIGURATION_H

#include "vocabulary.h"

enum {
  FW_ABI_VERSION = 13,

  FW_MAX_RULES = 256, /* numbers of one byte; 0: default, the last: prefixes, others: services */
  FW_RULE_OF_PREFIXES = FW_MAX_RULES - 1,
  FW_MAX_PREFIX_LENGTHS = 8, /* distinct prefix lengths of entries, per family; judgement: each
                                costs every packet a look-up */
};

enum { FW_MODE_OFF = 0, FW_MODE_OBSERVE = 1, FW_MODE_ENFORCE = 2 };
enum { FW_ACTION_LIMIT = 0, FW_ACTION_DROP = 1, FW_ACTION_PASS = 2 };
/* Questions of unverified sources are answered by a challenge: never, above what the service bears,
 * always. */
enum { FW_CHALLENGE_OFF = 0, FW_CHALLENGE_AUTO = 1, FW_CHALLENGE_ON = 2 };

/* One limit of one rule: a token bucket (GCRA) and a threshold. All zero: no limit. */
struct fw_limit {
  fw_u64 cost_q8;   /* ticks * 256 that one packet (or 16 bytes) costs, below 2^38; 0 = no limit */
  fw_u32 burst;     /* ticks that may be used in advance; at most 2^29 (8.6 s) */
  fw_u32 ban_above; /* ban or restrict above so much in a window (packets, 16 bytes); 0 = never */
  fw_u32 limit_above; /* the limit per window, for events */
  fw_u32 peers;       /* 1: packets of peers count, too; else only those of unknown senders */
};

struct fw_rule {
  struct fw_limit limit[FW_METRIC_COUNT];
  fw_u32 ban_ms;   /* how long a first ban holds after the last excess */
  fw_u8 action;    /* FW_ACTION_* */
  fw_u8 own;       /* 1: has limits of its own, and therefore meters of its own */
  fw_u8 challenge; /* FW_CHALLENGE_* */
  fw_u8 pad;
};

/* The budget of a class: what unverified sources may send together to one address, or to one port
 * of it where a service answers. All zero: no budget. */
struct fw_budget_limit {
  fw_u32 cost;         /* ticks that a packet of a new source costs; 0 = no budget */
  fw_u32 burst;        /* ticks that may be used in advance ... */
  fw_u32 served_burst; /* ... and where the port belongs to a service that answers */
  fw_u32 limit;        /* the rate per second, for events */
};

/* Which half of configurations and ports is in force, and which half of the lists. */
enum { FW_LISTS_NONE = 2, FW_LISTS_HALF = 3, FW_LISTS_SHORT = 4 };
struct fw_active {
  fw_u32 half;  /* 0 or 1 */
  fw_u32 lists; /* 0 or 1, or FW_LISTS_NONE; and FW_LISTS_SHORT if they are (list_image.h) */
};

struct fw_config {
  fw_u64 seed[2]; /* secret; keys the hashes of all tables */
  fw_u32 abi_version;
  fw_u32 pad1;
  fw_u8 mode;           /* FW_MODE_* */
  fw_u8 source_bits_v6; /* an IPv6 source is its first N bits, 48..128 */
  fw_u8 lengths_v4;     /* how many of prefix_bits_v4 are used */
  fw_u8 lengths_v6;
  fw_u32 source_mask; /* source buckets - 1, a power of two less one; so are the next two */
  fw_u32 flow_mask;   /* flow buckets - 1 */
  fw_u32 entry_mask;  /* entry buckets - 1 */
  fw_u8 prefix_bits_v4[FW_MAX_PREFIX_LENGTHS]; /* lengths (mapped form) of the present entries */
  fw_u8 prefix_bits_v6[FW_MAX_PREFIX_LENGTHS];
  fw_u32 bans_burst; /* ticks; caps the bans that the datapath itself makes */
  fw_u32 bans_cost;  /* ticks a ban costs; 0 = the datapath makes no bans */
  struct fw_budget_limit budget[FW_CLASS_SLOTS]; /* by enum fw_class */
  fw_u8 scan_ports; /* a source that tried so many of 16 groups of closed ports is scanning; 0 = off
                     */
  fw_u8 syn_cookies; /* 1: SYNs above their budget are answered, where the datapath can */
  /* Length (mapped form) of the prefixes whose sources together are held to FW_RULE_OF_PREFIXES;
   * shorter than a source's. 0: there is no such limit. */
  fw_u8 limit_bits_v4, limit_bits_v6;
  /* Ticks that a packet costs of what a service bears above its budget; 0: it bears nothing. */
  fw_u32 capacity_cost;
  /* A source is restricted that sends more than so many packets in a window which a UDP service
   * leaves unanswered while it answers others. 0: none is. */
  fw_u32 unanswered_above;
  fw_u8 pad2[4];
  fw_u64 challenge_seed[2]; /* secret; keys the numbers that are sent to peers (policy/siphash.h) */
  struct fw_rule rule[FW_MAX_RULES];
};

/* One byte for each of 64 ports; TCP's 65,536 ports come first, then UDP's. The configuration's
 * table `ports` has each port's rule, the table `served` each port's FW_PORT_* flags. */
enum { FW_PORT_LINES = 2 * 65536 / FW_LINE_BYTES };
/* The table `served` has a byte for each of the 256 IP protocols behind them: a tunnel or daemon of
 * this host takes the protocol. Those of TCP and UDP are unused. */
enum { FW_SERVED_LINES = FW_PORT_LINES + 256 / FW_LINE_BYTES };
struct fw_port_line {
  fw_u8 value[FW_LINE_BYTES];
};

/* The policy sets ANSWERS, which is never cleared, and the five highest bits (port_table.h). The
 * daemon sets and clears the others by compare-and-exchange. */
enum {
  FW_PORT_CLOSED = 0,
  FW_PORT_ANSWERS = 1,      /* this host answered an unverified source from it */
  FW_PORT_LISTENS = 2,      /* a socket listens; without ANSWERS a service like syslog or NetFlow */
  FW_PORT_LARGE_RCVBUF = 4, /* and its receive buffer (SO_RCVBUF) has FW_LARGE_RCVBUF_BYTES */
};
/* Holds 10,000 small packets (docs/decisions/budget-bursts.md); the kernel doubles SO_RCVBUF. */
enum { FW_LARGE_RCVBUF_BYTES = 8 << 20 };

FW_STATIC_ASSERT(sizeof(struct fw_limit) == 24, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_rule) == 128, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_active) == 8, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_config) == 352U + FW_MAX_RULES * 128U, "no padding");

#endif
