/* SPDX-License-Identifier: MIT */
/* The configuration as the policy reads it: rules with limits per source, budgets
 * per class, seeds and sizes of tables, and the rule of every port. The daemon
 * writes it (config/compile.cpp) and swaps it whole. */
#ifndef FW_ABI_CONFIGURATION_H
#define FW_ABI_CONFIGURATION_H

#include "vocabulary.h"

enum {
  FW_ABI_VERSION = 11,

  FW_MAX_RULES = 256, /* rule 0 is the default, the last one of prefixes, others services */
  FW_RULE_OF_PREFIXES = FW_MAX_RULES - 1,
  FW_MAX_PREFIX_LENGTHS = 8, /* distinct prefix lengths of entries, per family */
};

enum { FW_MODE_OFF = 0, FW_MODE_OBSERVE = 1, FW_MODE_ENFORCE = 2 };
enum { FW_ACTION_LIMIT = 0, FW_ACTION_DROP = 1, FW_ACTION_PASS = 2 };

/* One limit of one rule: a token bucket (GCRA) and a threshold. All zero: no limit. */
struct fw_limit {
  fw_u64 cost_q8;   /* ticks * 256 that one packet (or 16 bytes) costs, below 2^38; 0 = no limit */
  fw_u32 burst;     /* ticks that may be used in advance; at most 2^29 (8.6 s) */
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

/* The budget of a class: what unverified sources may send to one address (or one port of it, where
 * a service answers) before it is too much. All zero: no budget. */
struct fw_budget_limit {
  fw_u32 cost;         /* ticks that a packet of a new source costs; 0 = no budget */
  fw_u32 burst;        /* ticks that may be used in advance ... */
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
  fw_u32 pad1;
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
  fw_u8 pad2[28];
  struct fw_rule rule[FW_MAX_RULES];
};

/* A byte for each of 64 ports, TCP's 65,536 first, then UDP's. The configuration's table `ports`
 * has the number of each port's rule; the table `served` has what is known of each port, as
 * FW_PORT_*. */
enum { FW_PORT_LINES = 2 * 65536 / FW_LINE_BYTES };
struct fw_port_line {
  fw_u8 value[FW_LINE_BYTES];
};

/* The policy sets ANSWERS, and it stays; the daemon sets and clears the others, by compare and
 * exchange. */
enum {
  FW_PORT_CLOSED = 0,
  FW_PORT_ANSWERS = 1, /* this host answered an unverified source from it */
  FW_PORT_LISTENS = 2, /* a socket waits there; if that is all, it never answers: syslog, netflow */
  FW_PORT_LARGE_RCVBUF = 4, /* and its receive buffer has FW_LARGE_RCVBUF_BYTES (SO_RCVBUF) */
};
enum { FW_LARGE_RCVBUF_BYTES = 8 << 20 }; /* 10,000 small packets; the kernel doubles SO_RCVBUF */

FW_STATIC_ASSERT(sizeof(struct fw_limit) == 24, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_rule) == 128, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_active) == 8, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_config) == 352U + FW_MAX_RULES * 128U, "no padding");

#endif
